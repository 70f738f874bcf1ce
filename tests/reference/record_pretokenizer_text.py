"""Records how the `regex` module cuts text by each family's published expressions.

Usage: record_pretokenizer_text.py SHARED/data/tokenizer/*.jsonl > tests/unit/text/pretokenizer.json
The texts are those of the tokeniser vectors and random runs of awkward characters. Needs regex; the
version is written into the output.
"""

import importlib.metadata
import json
import random
import sys

import regex

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
C7 = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
WORDS = C7 + r"|[^\r\n\p{L}\p{N}]?\p{L}+|"
FAMILIES = {
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "qwen2": [WORDS + r"\p{N}|" + TAIL],
    "llama-bpe": [WORDS + r"\p{N}{1,3}|" + TAIL],
    "qwen35": [
        C7
        + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
}
AWKWARD = list("aZ'sStrevml lld19 \t\n\r.!$+<_-") + ["\u00e9", "e\u0301", "\u00a0", "\u3000", "\u4e16", "\u0663", "\u00bd", "\u2167", "\U0001f600", "\u094d", "\u2028", "\u200d"]


def cut(piece, pattern):
    at = 0
    for match in regex.finditer(pattern, piece):
        if match.start() > at:
            yield piece[at : match.start()]
        if match.end() > match.start():
            yield match.group()
        at = match.end()
    if at < len(piece):
        yield piece[at:]


def main(paths):
    texts = [json.loads(line)["text"] for path in paths for line in open(path, encoding="utf-8")]
    texts = sorted(set(texts))
    rng = random.Random(1)
    texts += ["".join(rng.choices(AWKWARD, k=rng.randint(1, 30))) for _ in range(200)]
    cases = []
    for text in texts:
        case = {"text": text}
        for family, patterns in FAMILIES.items():
            pieces = [text] if text else []
            for pattern in patterns:
                pieces = [finer for piece in pieces for finer in cut(piece, pattern)]
            case[family] = [len(piece.encode()) for piece in pieces]
        cases.append(case)
    versions = {"regex": importlib.metadata.version("regex")}
    json.dump({"versions": versions, "cases": cases}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
