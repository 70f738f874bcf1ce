#!/usr/bin/env python3
"""Line 8: every recorded vector of SmolLM2's tokeniser through `tenwatt tokenize`, in three forms.

Texts go in by standard input, so that NUL bytes and leading dashes arrive as they are.
"""
import json

from language_checks import Verdict, language_model, shared, tenwatt_json

FORMS = {"ids": [], "ids_no_special": ["--plain"], "ids_add_special": ["--add-special"]}


def main():
    model = language_model()
    with open(shared("tokenizer/smollm2-135m.jsonl"), encoding="utf-8") as lines:
        vectors = [json.loads(line) for line in lines]
    verdict = Verdict()
    verdict.check(len(vectors) >= 150, f"{len(vectors)} texts")
    for form, flags in FORMS.items():
        wrong = []
        for vector in vectors:
            text = vector["text"].encode("utf-8")
            ids = tenwatt_json("tokenize", *flags, model, "-", stdin=text)["ids"]
            if ids != vector[form]:
                wrong.append(vector["n"])
        verdict.check(not wrong, f"{form}: {len(vectors) - len(wrong)} of {len(vectors)} equal"
                      + (f", wrong: {wrong}" if wrong else ""))
    verdict.leave()


main()
