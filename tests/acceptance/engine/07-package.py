#!/usr/bin/env python3
"""Line 7: a program outside the tree transcribes, asks and speaks through the installed package.

`cmake --install` fills a prefix, the prefix is moved, and outside/ is copied to a folder of its own
and built against it with nothing but find_package(Tenwatt). Run on real models, it has to hear the
question's words, answer it, and speak the answer so that it is heard again. The package must hold no
path of the build, show no name but those of the public API, and serve pkg-config and examples/ too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
from language_checks import (PROGRAM, ROOT, Verdict, language_model, model, not_run,  # noqa: E402
                             shared)

BUILD = Path(PROGRAM).resolve().parent
CLIP = "piper-01"  # "What is the capital of France?"
# Of what was spoken, without spaces: on one short sentence a recogniser may hear "France is" as
# "Francis", which is one letter and two words.
LETTERS_WRONG = 0.1
EXPECTED = ["bin/tenwatt", "lib/libtenwatt.so", "libexec/tenwatt/tenwatt-phonemize",
            "include/tenwatt/tenwatt.h", "include/tenwatt/result.h",
            "lib/cmake/Tenwatt/TenwattConfig.cmake", "lib/pkgconfig/tenwatt.pc",
            "share/doc/tenwatt/LICENSE", "share/doc/tenwatt/phonemize/COPYING"]


def run(*words, cwd=None, environment=None, codes=(0,)):
    """Standard output of a command that has to leave with one of `codes`."""
    done = subprocess.run([str(word) for word in words], cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, **(environment or {})})
    if done.returncode not in codes:
        sys.exit(f"FAILED  {' '.join(map(str, words))[:200]}: exit {done.returncode}\n"
                 f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def words_of(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def distance(one, two):
    """Letters to put in, leave out or change (Levenshtein)."""
    row = list(range(len(two) + 1))
    for i, letter in enumerate(one, 1):
        before, row = row, [i]
        for j, other in enumerate(two, 1):
            row.append(min(row[-1] + 1, before[j] + 1, before[j - 1] + (letter != other)))
    return row[-1]


def build(source, prefix, target):
    run("cmake", "-S", source, "-B", target, "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", target, "-j", "2")


def field(number, content):
    """One length-delimited field of a protocol buffer; text or bytes of less than 128."""
    content = content.encode() if isinstance(content, str) else content
    return bytes([number << 3 | 2, len(content)]) + content


def number_field(number, value):
    return bytes([number << 3, value])


def write_network(path):
    """An ONNX graph, y = x + x over f32 [n], as bytes that no library of ours wrote."""
    shape = field(1, field(2, "n"))
    tensor = field(2, field(1, number_field(1, 1) + field(2, shape)))
    node = field(1, "x") + field(1, "x") + field(2, "y") + field(3, "twice") + field(4, "Add")
    graph = (field(1, node) + field(2, "twice") + field(11, field(1, "x") + tensor)
             + field(12, field(1, "y") + tensor))
    path.write_bytes(number_field(1, 8) + field(7, graph) + field(8, number_field(2, 17)))
    return path


def check_files(verdict, prefix):
    missing = [name for name in EXPECTED if not (prefix / name).exists()]
    verdict.check(not missing, f"installed files ({len(EXPECTED)} looked for), missing: {missing}")
    strangers = []
    for path in prefix.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if str(ROOT).encode() in content or str(BUILD).encode() in content:
                strangers.append(str(path.relative_to(prefix)))
    verdict.check(not strangers, f"files that name the build's folders: {strangers}")
    headers = [path for path in (prefix / "include").rglob("*.h")
               for name in re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8"))
               if not (prefix / "include" / name).exists()]
    verdict.check(not headers, f"headers that include what is not installed: {headers}")


def declared_names(prefix):
    """Classes and functions that the public headers declare out of line."""
    names = set()
    for header in (prefix / "include/tenwatt").glob("*.h"):
        text = header.read_text(encoding="utf-8")
        names |= set(re.findall(r"^class (\w+)", text, re.MULTILINE))
        for start, name in re.findall(r"^((?:[A-Za-z_][\w:<>, *&]* )+)(\w+)\(", text, re.MULTILINE):
            if not start.startswith(("inline", "template", "static")):
                names.add(name)
    templates = {"make_array", "array_values", "take"}
    return names - templates


def check_names(verdict, prefix):
    """The library shows every name that the headers declare, and no other."""
    listed = run("nm", "-DC", "--defined-only", prefix / "lib/libtenwatt.so").splitlines()
    names = [line.split(" ", 2)[2] for line in listed]
    shown = {match[1] for name in names
             if (match := re.match(r"(?:.* for )?tenwatt::(\w+)", name))}
    foreign = [name for name in names if not re.match(r"(\w+ )*(for )?tenwatt::", name)]
    declared = declared_names(prefix)
    verdict.check(not foreign and shown == declared,
                  f"the library shows {len(names)} symbols of {len(shown)} names; not declared: "
                  f"{sorted(shown - declared)[:9]}, not shown: {sorted(declared - shown)[:9]}, "
                  f"foreign: {foreign[:5]}")


def check_headers_alone(verdict, prefix, folder):
    flags = run("pkg-config", "--cflags", "--libs", "tenwatt",
                environment={"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).split()
    headers = sorted((prefix / "include/tenwatt").glob("*.h"))
    for header in headers:
        source = folder / "alone.cc"
        source.write_text(f'#include "tenwatt/{header.name}"\nint main() {{}}\n', encoding="utf-8")
        run("c++", "-Wall", "-Wextra", "-Wpedantic", "-Werror", source, "-o", folder / "alone", *flags)
    verdict.check(len(headers) > 10, f"{len(headers)} headers compile and link alone (pkg-config)")


def check_program(verdict, prefix, folder, parts):
    source = folder / "source"
    shutil.copytree(HERE / "outside", source)
    build(source, prefix, folder / "build")
    answer = folder / "answer.wav"
    text = run(folder / "build/outside", shared(f"speech/synth/{CLIP}.wav"), answer,
               parts["model"], parts["recognizer"], parts["voice"], parts["network"], cwd=folder)
    found = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    print("        " + "\n        ".join(f"{name}: {value}" for name, value in found.items()))
    verdict.check({"capital", "france"} <= set(words_of(found.get("transcript", ""))),
                  "the question's words are heard")
    verdict.check("paris" in words_of(found.get("answer", "")), "the answer names Paris")
    spoken, heard = ("".join(words_of(found.get(name, ""))) for name in ("spoken", "heard"))
    wrong = distance(spoken, heard)
    verdict.check(spoken and wrong <= LETTERS_WRONG * len(spoken),
                  f"the spoken answer is heard again: {wrong} of {len(spoken)} letters wrong")
    verdict.check(found.get("missing") == "model_missing", "a missing model is `model_missing`")
    needed = run("readelf", "-d", folder / "build/outside")
    verdict.check("libtenwatt.so" in needed, "it is linked against the installed library")


def check_examples(verdict, prefix, folder, parts):
    source = folder / "examples"
    shutil.copytree(ROOT / "examples", source)
    build(source, prefix, folder / "examples-build")
    program = folder / "examples-build"
    clip = shared(f"speech/synth/{CLIP}.wav")
    verdict.check("France" in run(program / "transcribe", clip, parts["recognizer"]),
                  "examples/transcribe hears the question")
    verdict.check("Paris" in run(program / "ask", "What is the capital of France?", parts["model"]),
                  "examples/ask answers it")
    sound = folder / "spoken.wav"
    run(program / "speak", "The harbour is quiet today.", sound, parts["voice"])
    verdict.check("harbour" in run(program / "transcribe", sound, parts["recognizer"]).lower()
                  .replace("harbor", "harbour"), "examples/speak is heard again")
    verdict.check("input x: f32 [n]" in run(program / "network", parts["network"]),
                  "examples/network lists a graph's inputs")
    turn = run(program / "turn", clip, folder / "turn.wav", parts["model"], parts["recognizer"],
               parts["voice"])
    verdict.check("Paris" in turn and (folder / "turn.wav").stat().st_size > 10_000,
                  "examples/turn answers it aloud")
    run(program / "ask", "Hello?", "qwen2.5-coder-0.5b", codes=(3,),
        environment={"TENWATT_HOME": str(folder / "empty")})
    verdict.check(True, "a model that was not pulled ends with 3")


def main():
    if not (BUILD / "cmake_install.cmake").exists():
        not_run(f"no build in {BUILD}; ./dev build makes it")
    parts = {"model": language_model(), "recognizer": model("whisper-base"),
             "voice": model("en_US-joe-medium.onnx")}
    shared("speech/synth.jsonl")
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        parts["network"] = write_network(folder / "twice.onnx")
        run("cmake", "--install", BUILD, "--prefix", folder / "first")
        prefix = (folder / "first").rename(folder / "moved")
        check_files(verdict, prefix)
        check_names(verdict, prefix)
        check_headers_alone(verdict, prefix, folder)
        print("        " + run(prefix / "bin/tenwatt", "--version").strip())
        run(prefix / "bin/tenwatt", "say", "Good morning.", "--voice", parts["voice"], "-o",
            folder / "say.wav", environment={"TENWATT_PHONEMIZE": ""})
        verdict.check((folder / "say.wav").stat().st_size > 10_000,
                      "the installed program finds its helper and speaks")
        check_program(verdict, prefix, folder, parts)
        check_examples(verdict, prefix, folder, parts)
    verdict.leave()


main()
