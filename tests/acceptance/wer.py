"""Word errors of transcripts, counted as Whisper's authors do.

Usage: wer.py REFERENCE.jsonl HYPOTHESIS.jsonl [--also OTHER.jsonl]
Lines are {"id", "text"} (others, and those with "wer": "exclude", are ignored). Prints one line per clip with errors and the pooled
rate. With --also (another recogniser's transcripts) it prints its pooled errors too and leaves with
1 if HYPOTHESIS has more than one word more wrong in all.
Needs jiwer and whisper-normalizer.
"""
import argparse
import json
import sys

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

NORMALISE = EnglishTextNormalizer()


def texts(path):
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            row = json.loads(line)
            if "id" in row and "text" in row and row.get("wer") != "exclude":
                found[row["id"]] = row["text"]
    return found


def errors(reference, hypothesis):
    """Errors and words of one clip."""
    spoken, heard = NORMALISE(reference), NORMALISE(hypothesis)
    words = len(spoken.split())
    if words == 0:
        return len(heard.split()), 0
    result = jiwer.process_words(spoken, heard)
    return result.substitutions + result.deletions + result.insertions, words


def pooled(references, hypotheses, name):
    total = words = 0
    for clip in references:
        if clip not in hypotheses:
            sys.exit(f"{name}: no transcript of {clip}")
        wrong, spoken = errors(references[clip], hypotheses[clip])
        total, words = total + wrong, words + spoken
        if wrong:
            print(f"{name} {clip}: {wrong} of {spoken}: {hypotheses[clip].strip()}")
    print(f"{name}: {total} of {words} words, {100 * total / max(words, 1):.2f} %")
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("hypothesis")
    parser.add_argument("--also")
    parser.add_argument("--allow", type=int, default=1, help="words more than --also")
    options = parser.parse_args()
    references = texts(options.reference)
    ours = pooled(references, texts(options.hypothesis), "ours")
    if options.also:
        theirs = pooled(references, texts(options.also), "other")
        if ours > theirs + options.allow:
            sys.exit(f"{ours} words wrong, the other has {theirs}")


main()
