#!/usr/bin/env python3
"""Line 5: a row's bits depend on its own tokens only, on the real model and through the verbs.

Scores (512 tokens) and a greedy continuation (prompt of 200 tokens) are taken with 1, 2, 3 and 7
threads and with the prompt whole and in pieces; every printed number, which reads back to the same
double, has to be the same. The machine's other instruction levels have bits of their own, for which
fewer variants are tried. Batches, forks, saved states and delays in the team are the business of
the unit tests that this line of docs/acceptance.md names.
"""
import json
import re
import subprocess
import tempfile

from language_checks import PROGRAM, ROOT, Verdict, language_model, tenwatt_json

THREADS = (1, 2, 3, 7)
CHUNKS = (1, 7, 16, 17, 33, 128)
TOKENS = 512
PROMPT_WORDS = 160
NEW_TOKENS = 48
LEVEL_VARIANTS = ((2, 7), (3, 33))


def rows(model, ids_file, threads, chunk, *more):
    """All bits of the scores: ids, log-probabilities, and the five best of each position."""
    return tenwatt_json("score", model, "--ids", ids_file, "--top", 5, "--threads", threads,
                        "--chunk", chunk, *more)["positions"]


def continuation(model, prompt, threads, chunk):
    result = tenwatt_json("generate", model, "-p", prompt, "-n", NEW_TOKENS, "--threads", threads,
                          "--chunk", chunk)
    return {"ids": result["ids"], "first step": result["top"]}


def first_difference(ours, whole):
    for position, (mine, other) in enumerate(zip(ours, whole)):
        if mine != other:
            return f", first at position {position}: {mine} instead of {other}"
    return "" if len(ours) == len(whole) else f", {len(ours)} positions instead of {len(whole)}"


def levels():
    """The instruction levels of this machine, lowest first; the last one is what auto takes."""
    run = subprocess.run([PROGRAM, "doctor"], stdout=subprocess.PIPE, text=True, check=False)
    named = re.search(r"kernels: ([\w, -]+)", run.stdout)
    return named[1].split(", ") if named else []


def check_levels(verdict, model, ids_file):
    found = levels()
    verdict.check(bool(found), f"instruction levels: {', '.join(found)}")
    for level in found[:-1]:
        whole = rows(model, ids_file, 1, 0, "--level", level)
        for threads, chunk in LEVEL_VARIANTS:
            difference = first_difference(
                rows(model, ids_file, threads, chunk, "--level", level), whole)
            verdict.check(not difference, f"{level}, threads {threads}, pieces of {chunk}: score"
                          + (difference or " equal"))


def main():
    model = language_model()
    text = (ROOT / "tests/data/pride-and-prejudice.txt").read_text(encoding="utf-8")
    ids = tenwatt_json("tokenize", model, "-", stdin=text.encode())["ids"][:TOKENS]
    prompt = " ".join(text.split()[:PROMPT_WORDS])
    verdict = Verdict()
    variants = ([(threads, 0) for threads in THREADS[1:]]
                + [(THREADS[at % len(THREADS)], chunk) for at, chunk in enumerate(CHUNKS)])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(ids, file)
        file.flush()
        whole_rows = rows(model, file.name, THREADS[0], 0)
        whole_text = continuation(model, prompt, THREADS[0], 0)
        verdict.check(len(whole_rows) == TOKENS - 1, f"{len(whole_rows)} positions scored")
        verdict.check(len(whole_text["ids"]) == NEW_TOKENS,
                      f"{len(whole_text['ids'])} tokens generated")
        for threads, chunk in variants:
            name = f"threads {threads}, pieces of {chunk or 'any size'}"
            ours = rows(model, file.name, threads, chunk)
            difference = first_difference(ours, whole_rows)
            verdict.check(not difference, f"{name}: score" + (difference or " equal"))
            equal = continuation(model, prompt, threads, chunk) == whole_text
            verdict.check(equal, f"{name}: generate " + ("equal" if equal else "differs"))
        check_levels(verdict, model, file.name)
    verdict.leave()


main()
