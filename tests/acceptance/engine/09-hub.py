#!/usr/bin/env python3
"""The hub through the program: pull, list, show, use and rm of hf: models, from a server on this
machine that cuts, stalls, lies, redirects elsewhere and sends wrong bytes; Ctrl-C and two pulls at
once. No network is needed.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("TENWATT", str(ROOT / "build/release/tenwatt"))
SERVER = ROOT / "tests/unit/store/hub_server.py"
GGUF = ROOT / "tests/reference/data/families/qwen2.gguf"
LARGE = bytes(range(256)) * 12000  # 3 MB


class Place:
    """A folder with a server and a home for models."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.add("tiny/llm/model.gguf", GGUF.read_bytes())
        self.add("big/two/a.gguf", LARGE + b"a")
        self.add("big/two/b.gguf", LARGE + b"b")
        self.server = subprocess.Popen([sys.executable, str(SERVER), str(folder)],
                                       stdin=subprocess.PIPE)
        while not (self.folder / "port").exists():
            time.sleep(0.05)
        port = (self.folder / "port").read_text()
        self.environment = dict(os.environ, TENWATT_HOME=str(self.folder / "home"),
                                HF_ENDPOINT=f"http://127.0.0.1:{port}", HF_TOKEN="secret",
                                HF_HUB_DOWNLOAD_TIMEOUT="2")

    def add(self, name, content):
        path = self.folder / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def plan(self, *faults):
        (self.folder / "plan").write_text("\n".join(faults))

    def requests(self):
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def start(self, *words):
        return subprocess.Popen([PROGRAM, *words], env=self.environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words):
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def file(self, name):
        return self.folder / "home/models/hf" / name


class Verdict:
    failed = 0

    def check(self, what, good, detail=""):
        self.failed += not good
        print(("ok      " if good else "FAILED  ") + what + ("" if good else f": {detail}"))


def check_verbs(place, verdict):
    code, out, err = place.run("generate", "hf:tiny/llm", "-p", "ab", "-n", "2")
    verdict.check("a model that is not pulled is not downloaded by other verbs",
                  code == 3 and "tenwatt pull hf:tiny/llm" in err and not place.requests(),
                  (code, err))
    code, out, err = place.run("pull", "--offline", "hf:tiny/llm")
    verdict.check("--offline downloads nothing", code == 3 and not place.requests(), (code, err))
    code, out, err = place.run("pull", "hf:tiny/llm")
    verdict.check("pull", code == 0 and place.file("tiny/llm/main/model.gguf").read_bytes() ==
                  GGUF.read_bytes(), (code, err))
    code, out, err = place.run("list")
    verdict.check("list shows it", "hf:tiny/llm" in out, out)
    code, out, err = place.run("show", "hf:tiny/llm", "--json")
    verdict.check("show knows its file and digest",
                  code == 0 and len(json.loads(out)["files"][0]["sha256"]) == 64, (out, err))
    for name in ("hf:tiny/llm", "hf:tiny/llm:model.gguf"):
        code, out, err = place.run("tokenize", name, "ab")
        verdict.check(f"tokenize {name}", code == 0, err)
    code, out, err = place.run("pull", "--offline", "hf:tiny/llm")
    verdict.check("--offline is content with what is here", code == 0, err)
    authorized = {(entry["port"], entry["authorization"]) for entry in place.requests()}
    hub = int(place.environment["HF_ENDPOINT"].rsplit(":", 1)[1])
    verdict.check("the token went to the hub only",
                  all((token == "Bearer secret") == (port == hub) for port, token in authorized)
                  and len(authorized) == 2, authorized)
    code, out, err = place.run("rm", "hf:tiny/llm")
    verdict.check("rm", code == 0 and not place.file("tiny").exists(), err)


def check_refusals(place, verdict):
    for name, words in (("hf:big/two", "a.gguf"), ("hf:no/such", "HF_TOKEN"),
                        ("hf:gated/model", "accept"), ("hf:tiny/llm@v9", "404"),
                        ("hf:../etc", "not a model of the hub"),
                        ("hf:tiny/llm:../../passwd", "not a model of the hub")):
        code, out, err = place.run("pull", name)
        verdict.check(f"pull {name} says {words}",
                      code not in (0, -6, -11) and words in err and "try:" in err, (code, err))


def check_faults(place, verdict):
    for faults in (["cut:1000000", "stall:500000", "norange"], ["wrong"], ["long:999", "short:9"],
                   ["status:500", "busy:1"], ["endless"], ["drip"]):
        shutil.rmtree(place.file("big"), ignore_errors=True)
        place.plan(*faults)
        code, out, err = place.run("pull", "hf:big/two:a.gguf")
        path = place.file("big/two/main/a.gguf")
        verdict.check("pull through " + ", ".join(faults),
                      code == 0 and path.read_bytes() == LARGE + b"a", (code, err))
    shutil.rmtree(place.file("big"), ignore_errors=True)
    place.plan("wrong", "wrong")
    code, out, err = place.run("pull", "hf:big/two:a.gguf")
    verdict.check("wrong bytes twice are refused and not kept",
                  code == 1 and "digest" in err and
                  [entry.name for entry in place.file("big/two/main").iterdir()] ==
                  [".model.json"], (code, err))
    place.plan()


def check_interruption(place, verdict):
    shutil.rmtree(place.file("big"), ignore_errors=True)
    place.plan("slow")
    process = place.start("pull", "hf:big/two:a.gguf")
    part = place.file("big/two/main/a.gguf.part")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (part.exists() and part.stat().st_size > 500000):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    verdict.check("Ctrl-C leaves with 130 and keeps the part",
                  process.returncode == 130 and part.stat().st_size > 500000,
                  (process.returncode, err))
    code, out, err = place.run("pull", "hf:big/two:a.gguf")
    ranges = [entry["range"] for entry in place.requests() if "/cdn/" in entry["path"]]
    verdict.check("the next pull goes on", code == 0 and ranges[-1] is not None and
                  place.file("big/two/main/a.gguf").read_bytes() == LARGE + b"a", (ranges, err))


def check_two_at_once(place, verdict):
    shutil.rmtree(place.file("big"), ignore_errors=True)
    before = len([entry for entry in place.requests() if "/cdn/" in entry["path"]])
    place.plan("slow")
    both = [place.start("pull", "hf:big/two:b.gguf") for _ in range(2)]
    for process in both:
        process.communicate(timeout=120)
    downloads = len([entry for entry in place.requests() if "/cdn/" in entry["path"]]) - before
    verdict.check("two pulls at once fetch once",
                  all(process.returncode == 0 for process in both) and downloads == 1,
                  ([process.returncode for process in both], downloads))


def main():
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        try:
            for check in (check_verbs, check_refusals, check_faults, check_interruption,
                          check_two_at_once):
                check(place, verdict)
        finally:
            place.server.stdin.close()
            place.server.wait(timeout=30)
    sys.exit(1 if verdict.failed else 0)


if __name__ == "__main__":
    main()
