#!/usr/bin/env python3
"""Line 3: every language model of the catalogue against its own weights in 32-bit floats, and the
bits of its rows.

References (tests/reference/record_scores.py) hold the best log-probabilities per position and the
mass of the rest, for 512 tokens of plain English; Gemma has a second one of 1024, twice its window:
the same text and its beginning once more. Where a text repeats itself, one recollection more or less
moves a prediction from one token to another, so there the argmax is judged in exact precision only
and printed in the other. Limits are 1.3 times what llama.cpp measures against the same kind of reference.

Rows: scores with other numbers of threads and the prompt in pieces have to print the same numbers,
each of which reads back to the same double. For Gemma the text reaches across its window. Slices of
a batch, forks and truncation are tests/unit/models/families_test.cc.
"""
import json
import tempfile

from language_checks import REFERENCES, Verdict, model, tenwatt_json

PERPLEXITY = 0.01  # relative
MARGIN = 0.5       # of the reference's two best, in nats, from which the argmax must agree
ABOVE_LLAMA_CPP = 1.3

SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
QWEN = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
GEMMA = "gemma-3-270m-q4_k_m.gguf"
BOTH = ("fast", "exact")
# Model, reference, tokens, llama.cpp's mean and 99th percentile of KL, where the argmax is judged.
REFERENCED = (
    (SMOLLM2, "smollm2_scores.json", 512, 0.0028, 0.015, BOTH),
    (QWEN, "qwen2.5_scores.json", 512, 0.0013, 0.007, BOTH),
    (GEMMA, "gemma3_scores.json", 512, 0.0045, 0.018, BOTH),
    (GEMMA, "gemma3_long_scores.json", 1024, 0.0045, 0.018, ("exact",)),
)
# Model, the reference whose tokens are scored, how many of them, and (threads, piece) to compare.
ROWS = (
    (SMOLLM2, "smollm2_scores.json", 512, ((2, 0), (3, 1), (7, 33), (2, 128))),
    (QWEN, "qwen2.5_scores.json", 160, ((2, 0), (3, 1), (7, 33), (2, 128))),
    (GEMMA, "gemma3_long_scores.json", 640, ((2, 0), (3, 7), (7, 33), (2, 128))),
)


def compare(verdict, precision, file_name, reference, tokens, mean_kl, p99_kl, judged):
    result = tenwatt_json("score", model(file_name), "--precision", precision,
                          "--reference", REFERENCES / reference)
    name = f"{reference.removesuffix('_scores.json')} {precision}"
    verdict.check(result["positions"] == tokens - 1,
                  f"{name} positions: {result['positions']} of {tokens - 1}")
    verdict.at_most(f"{name} mean KL", result["mean_kl"], ABOVE_LLAMA_CPP * mean_kl)
    verdict.at_most(f"{name} 99th percentile KL", result["p99_kl"], ABOVE_LLAMA_CPP * p99_kl)
    change = result["perplexity"] / result["reference_perplexity"] - 1
    verdict.check(abs(change) <= PERPLEXITY,
                  f"{name} perplexity: {result['perplexity']:.4f}, reference "
                  f"{result['reference_perplexity']:.4f}, {100 * change:+.2f} % (limit "
                  f"{100 * PERPLEXITY:g} %)")
    margins = [difference["margin"] for difference in result["argmax_differences"]]
    figure = (f"{name} argmax: {len(margins)} differ, largest reference margin "
              f"{max(margins, default=0):.3f}")
    if precision not in judged:
        print(f"        {figure} (not judged)")
        return
    verdict.check(all(margin < MARGIN for margin in margins),
                  f"{figure} (must be below {MARGIN})")


def rows(file_name, ids_file, threads, piece):
    return tenwatt_json("score", model(file_name), "--ids", ids_file, "--top", 5,
                        "--threads", threads, "--chunk", piece)["positions"]


def compare_rows(verdict, file_name, reference, tokens, variants):
    ids = json.loads((REFERENCES / reference).read_text(encoding="utf-8"))["ids"][:tokens]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(ids, file)
        file.flush()
        whole = rows(file_name, file.name, 1, 0)
        verdict.check(len(whole) == tokens - 1, f"{file_name}: {len(whole)} rows")
        for threads, piece in variants:
            ours = rows(file_name, file.name, threads, piece)
            differing = sum(mine != other for mine, other in zip(ours, whole))
            verdict.check(len(ours) == len(whole) and not differing,
                          f"{file_name}, threads {threads}, pieces of {piece or 'any size'}: "
                          f"{differing} of {len(whole)} rows differ")


def main():
    verdict = Verdict()
    for row in REFERENCED:
        for precision in BOTH:
            compare(verdict, precision, *row)
    for row in ROWS:
        compare_rows(verdict, *row)
    verdict.leave()


main()
