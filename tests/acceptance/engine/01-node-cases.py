#!/usr/bin/env python3
"""Line 1, first half: ONNX's node cases on the reference operators and on every level of the CPU.

The 396 core and common cases that onnxruntime passes (and one more that it does not support) run in
two test programs, one process each. On the CPU no node may run on a reference kernel: the device's
claims are counted, and the kernels that ran are compared with them. `tenwatt explain` then counts
the nodes of the catalogue's speech models.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

from language_checks import PROGRAM, Verdict, model, node_cases, not_run, tenwatt_json

BUILD = Path(PROGRAM).parent
CASES = 396  # that onnxruntime 1.32 passes
MODELS = ("en_US-joe-medium.onnx", "whisper-tiny.en", "silero_vad_16k_sequence.onnx")


def run_test(program, pattern):
    path = BUILD / program
    if not os.access(path, os.X_OK):
        not_run(f"no {path}; ./dev build makes it")
    run = subprocess.run([path, f"--gtest_filter={pattern}"], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, check=False,
                         env={**os.environ, "TENWATT_TEST_ONNX_NODE": str(node_cases())})
    return run.returncode, run.stdout


def reference(verdict):
    status, output = run_test("test_graph", "OnnxNodeCases.EveryCoreAndCommonCase")
    found = re.search(r"(\d+) of (\d+) node cases passed", output)
    verdict.check(status == 0 and found and int(found[1]) >= CASES,
                  f"reference operators: {found[0] if found else output[-400:]}")


def levels(verdict):
    status, output = run_test("test_devices_cpu", "CpuNodeCases.*")
    pattern = (r"(\w+): (\d+) of (\d+) node cases passed; nodes on own kernels (\d+), on shared "
               r"data-movement kernels (\d+), on reference kernels (\d+)")
    found = re.findall(pattern, output)
    verdict.check(status == 0 and found, "every level of this machine"
                  if found else "no level ran: " + output[-400:])
    for level, passed, total, own, movement, on_reference in found:
        verdict.check(int(passed) >= CASES and passed == total and on_reference == "0",
                      f"{level}: {passed} of {total} cases; {own} nodes on its own kernels, "
                      f"{movement} on shared data movement, {on_reference} on reference kernels")


def models(verdict):
    for name in MODELS:
        for placement in tenwatt_json("explain", model(name)):
            kinds = [node["kind"] for node in placement["nodes"]]
            counts = {kind: kinds.count(kind) for kind in ("own", "movement", "reference")}
            left = sorted({node["op"] for node in placement["nodes"] if node["kind"] == "reference"})
            verdict.check(counts["own"] > 0 and not left,
                          f"explain {name} {placement['graph']}: {counts['own']} own, "
                          f"{counts['movement']} data movement, {counts['reference']} reference "
                          + " ".join(left))


def main():
    verdict = Verdict()
    reference(verdict)
    levels(verdict)
    models(verdict)
    verdict.leave()


if __name__ == "__main__":
    sys.exit(main())
