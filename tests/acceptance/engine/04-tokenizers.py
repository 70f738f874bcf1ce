#!/usr/bin/env python3
"""Line 4: every recorded vector of the three vocabularies through `tenwatt tokenize`.

Three forms: special tokens parsed, as plain text, with the model's own added. On the three texts
where the two reference programs disagree (two that one of them normalises, one with `</s>`, which
the other takes for a control token whatever the file says) either answer counts. Texts go in by
standard input, so that NUL bytes and leading dashes arrive as they are. What decoding gives back is
a unit test (tests/unit/text/vectors.h).
"""
import json

from language_checks import Verdict, model, shared, tenwatt_json

TEXTS = 150
FORMS = {"ids": [], "ids_no_special": ["--plain"], "ids_add_special": ["--add-special"]}
VOCABULARIES = {
    "smollm2-135m": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "qwen2.5-coder-0.5b": "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    "gemma3-270m": "gemma-3-270m-q4_k_m.gguf",
}


def accepted(vector, form):
    answers = [vector[form]]
    if "hf_ids" in vector:
        answers.append(vector["hf_ids"])
    if "</s>" in vector["text"]:
        answers.append(vector["ids"])
    return answers


def main():
    verdict = Verdict()
    for name, file_name in VOCABULARIES.items():
        path = model(file_name)
        with open(shared(f"tokenizer/{name}.jsonl"), encoding="utf-8") as lines:
            vectors = [json.loads(line) for line in lines]
        verdict.check(len(vectors) == TEXTS, f"{name}: {len(vectors)} texts")
        for form, flags in FORMS.items():
            wrong, other = [], []
            for vector in vectors:
                text = vector["text"].encode("utf-8")
                ids = tenwatt_json("tokenize", *flags, path, "-", stdin=text)["ids"]
                if ids not in accepted(vector, form):
                    wrong.append(vector["n"])
                elif ids != vector[form]:
                    other.append(vector["n"])
            verdict.check(not wrong, f"{name} {form}: {len(vectors) - len(wrong)} of "
                          f"{len(vectors)} equal" + (f", wrong: {wrong}" if wrong else "")
                          + (f", the other answer: {other}" if other else ""))
    verdict.leave()


main()
