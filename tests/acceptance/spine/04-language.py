#!/usr/bin/env python3
"""Line 4: SmolLM2 against its own weights in 32-bit floats, over 512 tokens of plain English.

The reference (tests/reference/record_scores.py) holds the 64 best log-probabilities per position
and the mass of the rest. Limits lie a little above what llama.cpp measures against the same kind of
reference.
"""
from language_checks import REFERENCES, Verdict, language_model, tenwatt_json

MEAN_KL = 0.004
P99_KL = 0.02
PERPLEXITY = 0.005  # relative
MARGIN = 0.5        # of the reference's two best, in nats, from which the argmax must agree
POSITIONS = 511     # the last of 512 tokens has no successor


def compare(verdict, precision):
    result = tenwatt_json("score", language_model(), "--precision", precision,
                          "--reference", REFERENCES / "smollm2_scores.json")
    verdict.check(result["positions"] == POSITIONS,
                  f"{precision} positions: {result['positions']} of {POSITIONS}")
    verdict.at_most(f"{precision} mean KL", result["mean_kl"], MEAN_KL)
    verdict.at_most(f"{precision} 99th percentile KL", result["p99_kl"], P99_KL)
    change = result["perplexity"] / result["reference_perplexity"] - 1
    verdict.check(abs(change) <= PERPLEXITY,
                  f"{precision} perplexity: {result['perplexity']:.4f}, reference "
                  f"{result['reference_perplexity']:.4f}, {100 * change:+.2f} % (limit 0.5 %)")
    differences = result["argmax_differences"]
    margins = [difference["margin"] for difference in differences]
    verdict.check(all(margin < MARGIN for margin in margins),
                  f"{precision} argmax: {len(differences)} differ, largest reference margin "
                  f"{max(margins, default=0):.3f} (must be below {MARGIN})")


def main():
    verdict = Verdict()
    for precision in ("fast", "exact"):
        compare(verdict, precision)
    verdict.leave()


main()
