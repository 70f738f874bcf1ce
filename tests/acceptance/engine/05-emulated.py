#!/usr/bin/env python3
"""Line 5: the kernels and the whole program on processors that this machine is not.

The unit tests of the CPU's kernels (integer block sums of every format against plain C++ among
them) and ONNX's node cases run under each emulated processor; then the program itself gives one
token of SmolLM2 and one sentence of Piper there. x86-64-v2 is the same code as `--level v2` here,
so its bits are compared; ARM adds floats in its own order, so its figures are. Nothing here says
anything about speed.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from voice_checks import piper_cases, snr, voice  # first: finds the right Python

import numpy as np

from language_checks import (PROGRAM, ROOT, Verdict, language_model, node_cases, not_run,
                             tenwatt_json)

CROSS_COMPILER = "aarch64-linux-gnu-g++"
X86, ARM = "qemu-x86_64-static", "qemu-aarch64-static"
NATIVE, CROSS = ROOT / "build/release", ROOT / "build/arm-program"
# (name, emulator, processor, build folder, levels that must be found there)
PROCESSORS = (
    ("x86-64-v2", X86, "Nehalem", NATIVE, ["v2"]),
    ("ARM with dot products", ARM, "cortex-a76", CROSS, ["neon"]),
    ("ARM with i8mm", ARM, "max", CROSS, ["neon", "i8mm"]),
)
KERNEL_TESTS = "*IntegerBlockSums*:*LinearBlock*:*QuantisedMatmul*:*NodeCases*"
PROMPT = "The capital of France is"
# Activations are rounded to int8, so sums in another order tip some of them: the levels of one x86
# machine already differ by 0.07, llama.cpp's variants by 0.25.
LOG_PROBABILITY = 0.25
SNR_DB = 80.0  # as line 3 of the spine asks of another program's sound


def emulated(emulator, processor, program, *words):
    run = subprocess.run([emulator, "-cpu", processor, program, *map(str, words)],
                         env={**os.environ, "TENWATT_TEST_ONNX_NODE": str(node_cases())},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=600)
    return run.returncode, run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")


def kernels_hold(verdict, name, emulator, processor, folder):
    status, out, err = emulated(emulator, processor, folder / "test_devices_cpu",
                                f"--gtest_filter={KERNEL_TESTS}")
    passed = re.search(r"\[  PASSED  \] (\d+) test", out)
    verdict.check(status == 0 and passed is not None and int(passed[1]) > 0,
                  f"{name}: {passed[1] if passed else 'no'} tests of kernels and node cases pass"
                  + ("" if status == 0 else f"; exit {status}: {(out + err)[-400:]}"))


def levels(emulator, processor, program):
    _, out, _ = emulated(emulator, processor, program, "doctor")
    named = re.search(r"kernels: ([\w, -]+)", out)
    return named[1].split(", ") if named else []


def token(verdict, name, emulator, processor, program, model):
    words = ("generate", model, "-p", PROMPT, "-n", "1", "--temperature", "0", "--json")
    status, out, err = emulated(emulator, processor, program, *words)
    if status != 0:
        verdict.check(False, f"{name}: generate: exit {status}: {err[-400:]}")
        return
    theirs = json.loads(out)["top"]
    if emulator == X86:
        ours = tenwatt_json(*words[:-1], "--level", "v2")["top"]
        verdict.check(theirs == ours, f"{name}: one token of SmolLM2: the bits of --level v2")
        return
    ours = tenwatt_json(*words[:-1])["top"]
    same = theirs[0]["id"] == ours[0]["id"]
    verdict.check(same, f"{name}: one token of SmolLM2: {theirs[0]['piece']!r}")
    verdict.at_most(f"{name}: its log-probability against this machine's",
                    abs(theirs[0]["logprob"] - ours[0]["logprob"]), LOG_PROBABILITY)


def speak(program, folder, ids_file, *words):
    sound = Path(folder) / "sound.f32"
    sound.unlink(missing_ok=True)
    run = subprocess.run([*program, "say", "--voice", voice(), "--ids", str(ids_file), "--noise",
                          "0", "--precision", "exact", "--format", "f32", "-o", str(sound), *words],
                         stderr=subprocess.PIPE, check=False, timeout=1200)
    if run.returncode != 0:
        return None, run.stderr.decode(errors="replace")[-400:]
    return np.fromfile(sound, "<f4"), ""


def sentence(verdict, name, emulator, processor, program, folder):
    ids_file = Path(folder) / "ids.json"
    ids_file.write_text(str(list(min((case["ids"] for case in piper_cases()), key=len))))
    theirs, fault = speak([emulator, "-cpu", processor, str(program)], folder, ids_file)
    if theirs is None:
        verdict.check(False, f"{name}: say: {fault}")
        return
    level = ["--level", "v2"] if emulator == X86 else []
    ours, fault = speak([PROGRAM], folder, ids_file, *level)
    if ours is None:
        verdict.check(False, f"say on this machine: {fault}")
        return
    if emulator == X86:
        verdict.check(theirs.tobytes() == ours.tobytes(),
                      f"{name}: {len(ours)} samples of Piper: the bits of --level v2")
        return
    verdict.check(len(theirs) == len(ours), f"{name}: {len(theirs)} samples of Piper")
    if len(theirs) == len(ours):
        figure = snr(ours, theirs)
        verdict.check(figure >= SNR_DB, f"{name}: {figure:.1f} dB of this machine's sound")


def build_arm():
    """The whole program for ARM. Without the packages for it the line is not run; with them, a build
    that fails is a failure of the line."""
    run = subprocess.run(["./dev", "build", "arm-program"], cwd=ROOT, check=False)
    if run.returncode == 0:
        return
    for tool in (CROSS_COMPILER, X86, ARM):
        if shutil.which(tool) is None:
            not_run(f"no {tool}; ./dev setup --test --cross --cross-program installs it")
    sys.exit("FAILED  the ARM build; ./dev build arm-program says why")


def main():
    verdict = Verdict()
    build_arm()
    model = language_model()
    with tempfile.TemporaryDirectory() as folder:
        for name, emulator, processor, build, expected in PROCESSORS:
            program = build / "tenwatt"
            kernels_hold(verdict, name, emulator, processor, build)
            found = levels(emulator, processor, program)
            verdict.check(found == expected, f"{name}: levels {', '.join(found)}")
            token(verdict, name, emulator, processor, program, model)
            sentence(verdict, name, emulator, processor, program, folder)
    verdict.leave()


if __name__ == "__main__":
    main()
