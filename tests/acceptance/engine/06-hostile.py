#!/usr/bin/env python3
"""Line 6: no file can hurt the program.

First every parser on a small valid file, 200 cuts and 5,000 flips each, and on the kept corpus of
its fuzzer: in the release build, where time and memory are bounded, and under sanitizers. (The
fuzzers themselves run by `./dev fuzz --seconds 600`.) Then 20 flips of every file of the catalogue
through the program: whatever it says, it must say it and leave. TENWATT_TEST_MODELS is the folder
of the catalogue's files.
"""
import math
import os
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RELEASE = ROOT / "build/release/tests/fuzz/hostile"
SANITIZED = ROOT / "build/asan-hostile"
# Every room that parses files, and what those need.
ROOMS = "base;numbers;files;graph;exchange;devices/interface;engine;text;audio;store;models"
PROGRAM = os.environ.get("TENWATT", str(ROOT / "build/release/tenwatt"))
MODELS = Path(os.environ.get("TENWATT_TEST_MODELS", "/nonexistent"))
SOUND = ROOT / "../shared/data/speech/human/harvard-1-1.wav"
REPORTS = ("Sanitizer", "runtime error")  # (decoders of libsndfile say on their own what they miss)
FLIPS = 20
NOT_RUN = 77
LIMIT = 120  # seconds


class Verdict:
    failed = 0
    passed = 0

    def check(self, what, good, detail=""):
        self.failed += not good
        self.passed += good
        print(("ok      " if good else "FAILED  ") + what + ("" if good else f": {detail}"),
              flush=True)


def parsers(verdict):
    done = subprocess.run([str(RELEASE)], capture_output=True, text=True)
    print(done.stdout, end="")
    verdict.check("release build: every mutant within 5 s and twice its size and 64 MB",
                  done.returncode == 0, done.stderr[-2000:])
    for command in (["cmake", "--preset", "asan", "-B", SANITIZED, f"-DTENWATT_ROOMS={ROOMS}"],
                    ["ninja", "-C", SANITIZED, "hostile"]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            verdict.check("the sanitizer build", False, (done.stdout + done.stderr)[-3000:])
            return
    done = subprocess.run([str(SANITIZED / "tests/fuzz/hostile")], capture_output=True, text=True)
    print(done.stdout, end="")
    verdict.check("sanitizer build: every mutant loads or gives an error, no report",
                  done.returncode == 0 and not any(word in done.stderr for word in REPORTS),
                  done.stderr[-3000:])


def command_for(path, out):
    """What to do with a catalogue file so that all of it is read and computed with."""
    name = path.name
    if name.endswith(".gguf"):
        return ["generate", str(path), "-p", "Hello", "-n", "1"]
    if name == "silero_vad.onnx":
        inputs = {"input": (1, 576), "state": (2, 1, 128)}
        for key, shape in inputs.items():
            write_npy(path.parent / f"{key}.npy", shape)
        return ["infer", str(path), "--input", "sr=16000", "-o", str(path.parent / "outputs"),
                *(word for key in inputs
                  for word in ("--input", f"{key}={path.parent / key}.npy"))]
    if name.startswith("silero"):
        return ["explain", str(path)]
    if name.endswith(".onnx") or name.endswith(".onnx.json"):
        voice = str(path).removesuffix(".json")
        return ["say", "hello", "--voice", voice, "-o", str(out)]
    return ["transcribe", str(SOUND), "--stt", str(path.parent)]


def write_npy(path, shape):
    """Zeros in float32."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                     bytes(4 * math.prod(shape)))


def flip(path, generator):
    """Changes one to four bytes, half of the time among the first 64 KB; gives them back."""
    size = path.stat().st_size
    old = []
    with open(path, "r+b") as file:
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(min(size, 65536) if generator.random() < 0.5 else size)
            file.seek(at)
            old.append((at, file.read(1)))
            file.seek(at)
            file.write(bytes([generator.choice((0, 1, 0x7f, 0x80, 0xff, generator.randrange(256)))]))
    return old


def unflip(path, old):
    with open(path, "r+b") as file:
        for at, byte in reversed(old):
            file.seek(at)
            file.write(byte)


def catalogue_files():
    for path in sorted(MODELS.rglob("*")):
        if path.is_file() and path.suffix in (".gguf", ".onnx", ".json", ".bin", ".txt"):
            yield path


def catalogue(verdict, only):
    generator = random.Random(6)
    for source in catalogue_files():
        if only and only not in source.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            # Beside the copy lie links to whatever belongs to the file.
            for other in source.parent.iterdir():
                # (A vocabulary.txt would stand in for the tokenizer.json that is attacked.)
                hidden = source.name == "tokenizer.json" and other.name == "vocabulary.txt"
                if other.is_file() and other != source and not hidden:
                    (Path(folder) / other.name).symlink_to(other.resolve())
            copy = Path(folder) / source.name
            copy.write_bytes(source.read_bytes())
            code = run(command_for(copy, Path(folder) / "out.wav"), folder)
            verdict.check(f"{source.relative_to(MODELS)} itself", code == 0, code)
            outcomes = {}
            for _ in range(FLIPS):
                old = flip(copy, generator)
                code = run(command_for(copy, Path(folder) / "out.wav"), folder)
                outcomes[code] = outcomes.get(code, 0) + 1
                unflip(copy, old)
            bad = {code: count for code, count in outcomes.items() if code not in (0, 1, 3)}
            verdict.check(f"{FLIPS} flips of {source.relative_to(MODELS)}: {outcomes}", not bad, bad)


def run(words, home):
    environment = dict(os.environ, TENWATT_HOME=str(home))
    shutil.rmtree(Path(home) / "cache", ignore_errors=True)  # packed weights of the last mutant
    try:
        return subprocess.run([PROGRAM, *words], env=environment, timeout=LIMIT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return "too long"


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    verdict = Verdict()
    if only != "--catalogue":
        parsers(verdict)
    if MODELS.is_dir():
        catalogue(verdict, "" if only == "--catalogue" else only)
    else:
        print("not run: the catalogue's files, TENWATT_TEST_MODELS is not set")
        sys.exit(1 if verdict.failed else NOT_RUN)
    sys.exit(1 if verdict.failed else 0)


if __name__ == "__main__":
    main()
