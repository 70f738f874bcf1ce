#!/usr/bin/env python3
"""Line 1: fifteen spoken questions in two voices through `ask`, from WAV to WAV.

The answers must mention the key words of keywords.json (written down before the first run) in at
most two clips fewer than llama.cpp's answers from the same file, template and transcripts
(tests/reference/record_llama_cpp_answers.py); and what faster-whisper hears in the spoken answers
must be the text that was sent to the voice, within a pooled word error rate of 10 %.
"""
import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

from language_checks import (PYTHON, REFERENCES, Verdict, language_model, model, not_run,
                             shared, tenwatt_json)

HERE = Path(__file__).resolve().parent
ANSWERS_FEWER = 2
WORD_ERROR_RATE = 10.0  # per cent
PARTS = {}


def key_words_of(clip, keywords):
    return keywords[clip.rsplit("-", 1)[1]]


def mentions(answer, lists):
    text = answer.lower()
    return all(any(re.search(rf"\b{re.escape(word)}\b", text) for word in words)
               for words in lists)


def ask(recorded, clip, output):
    """One turn from the clip; its answer to the recorded transcript if it heard another one."""
    length = ["-n", recorded["max_tokens"], "-m", PARTS["model"]]
    turn = tenwatt_json("ask", "--audio", shared(f"speech/synth/{clip}.wav"), "-o", output,
                        "--stt", PARTS["stt"], "--voice", PARTS["voice"], *length)
    expected = recorded["answers"][clip]["question"]
    turn["compared"] = turn["answer"]
    if turn["question"] != expected:
        print(f"        {clip}: heard '{turn['question']}', llama.cpp was asked '{expected}'")
        turn["compared"] = tenwatt_json("ask", expected, *length)["answer"]
    return turn


def count_key_words(verdict, turns, recorded, keywords):
    ours = theirs = 0
    for clip, turn in turns.items():
        mine = mentions(turn["compared"], key_words_of(clip, keywords))
        other = mentions(recorded["answers"][clip]["answer"], key_words_of(clip, keywords))
        ours, theirs = ours + mine, theirs + other
        print(f"        {clip}: key words {'yes' if mine else 'no'} (llama.cpp "
              f"{'yes' if other else 'no'}): {turn['compared']!r}")
    verdict.check(ours >= theirs - ANSWERS_FEWER,
                  f"answers with their key words: {ours} of {len(turns)}, llama.cpp {theirs} "
                  f"(at most {ANSWERS_FEWER} fewer)")


def listen(verdict, folder, turns):
    spoken = Path(folder) / "spoken.json"
    spoken.write_text(json.dumps({clip: turn["spoken"] for clip, turn in turns.items()}))
    run = subprocess.run([PYTHON, HERE / "ask_heard.py", PARTS["stt"], folder, spoken],
                         stdout=subprocess.PIPE, check=False)
    if run.returncode != 0:
        verdict.check(False, f"ask_heard.py: exit {run.returncode}")
        return
    heard = json.loads(run.stdout)
    for clip, row in heard["clips"].items():
        if row["errors"]:
            print(f"        {clip}: {row['errors']} of {row['words']} words wrong: {row['heard']!r}")
    rate = 100 * heard["errors"] / heard["words"]
    verdict.check(rate <= WORD_ERROR_RATE,
                  f"spoken answers: {heard['errors']} of {heard['words']} words wrong, "
                  f"{rate:.2f} % (limit {WORD_ERROR_RATE:g} %, {heard['made_with']})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", metavar="FOLDER", help="keep the spoken answers there")
    options = parser.parse_args()
    recording = REFERENCES / "llama_cpp_answers.json"
    if not recording.exists():
        not_run(f"no {recording}")
    recorded = json.loads(recording.read_text(encoding="utf-8"))
    keywords = json.loads((HERE / "keywords.json").read_text(encoding="utf-8"))["keywords"]
    PARTS.update(model=language_model(), stt=model("whisper-base"),
                 voice=model("en_US-joe-medium.onnx"))
    shared("speech/synth.jsonl")
    verdict = Verdict()
    verdict.check(len(recorded["answers"]) == 30, f"{len(recorded['answers'])} clips")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        turns = {clip: ask(recorded, clip, folder / f"{clip}.wav") for clip in recorded["answers"]}
        count_key_words(verdict, turns, recorded, keywords)
        listen(verdict, folder, turns)
    verdict.leave()


main()
