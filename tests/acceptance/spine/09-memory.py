#!/usr/bin/env python3
"""Line 9: the most memory that `generate` holds, when it packs the weights and when it finds them.

RssAnon + RssFile of /proc/PID/status, looked at every 10 ms, may not exceed the model file, the KV
cache of the context and 150 MB (of 1,000,000 bytes). The first load starts with an empty cache
folder; the warm one reads what the first one kept.
"""
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from language_checks import PROGRAM, ROOT, Verdict, language_model, not_run

INTERVAL = 0.01
SLACK = 150_000_000
NEW_TOKENS = 64
PROMPT_WORDS = 330
# SmolLM2-135M: keys and values of 30 blocks, 3 heads of 64, as 16-bit floats.
CACHE_BYTES_PER_TOKEN = 2 * 30 * 3 * 64 * 2


def resident(process):
    """RssAnon + RssFile in bytes, or 0 when the process has gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return sum(int(fields[name].split()[0]) * 1024
               for name in ("RssAnon", "RssFile") if name in fields)


def watch(words, environment):
    """The highest figure of a run, how often it was looked at, and its output."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(words, stdout=output, env=environment)
        highest = looks = 0
        while process.poll() is None:
            highest = max(highest, resident(process.pid))
            looks += 1
            time.sleep(INTERVAL)
        output.seek(0)
        return process.returncode, highest, looks, output.read()


def main():
    model = language_model()
    if not os.access(PROGRAM, os.X_OK):
        not_run(f"no program {PROGRAM}")
    text = (ROOT / "tests/data/pride-and-prejudice.txt").read_text(encoding="utf-8")
    prompt = " ".join(text.split()[:PROMPT_WORDS])
    words = [PROGRAM, "generate", model, "-p", prompt, "-n", str(NEW_TOKENS), "--json"]
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TENWATT_HOME": home}
        artifact = {}
        for load in ("first", "warm"):
            status, highest, looks, output = watch(words, environment)
            verdict.check(status == 0, f"{load} load: exit {status}")
            if status != 0:
                continue
            result = json.loads(output)
            tokens = result["prompt_tokens"] + len(result["ids"])
            limit = os.path.getsize(model) + tokens * CACHE_BYTES_PER_TOKEN + SLACK
            verdict.check(0 < highest <= limit,
                          f"{load} load: at most {highest / 1e6:.1f} MB in {looks} looks (limit "
                          f"{limit / 1e6:.1f} MB: file {os.path.getsize(model) / 1e6:.1f}, cache "
                          f"of {tokens} tokens {tokens * CACHE_BYTES_PER_TOKEN / 1e6:.1f}, 150)")
            artifact[load] = sum(file.stat().st_size for file in Path(home).rglob("*")
                                 if file.is_file())
        verdict.check(artifact.get("first", 0) > 0 and artifact["first"] == artifact.get("warm"),
                      f"packed weights kept by the first load and unchanged by the warm one: "
                      f"{artifact.get('first', 0) / 1e6:.1f} MB")
    verdict.leave()


main()
