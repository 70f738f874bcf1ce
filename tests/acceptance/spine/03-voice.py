#!/usr/bin/env python3
"""Line 3: Piper in exact precision against onnxruntime, and windows against whole runs.

Ten sentences through the medium voice and two through a `high` one whose vocoder has random
weights, made here. The phoneme ids are piper-tts's; nothing is random. In fast precision, whose
vocoder may multiply bf16, the medium voice is compared with its exact sound.
"""
import tempfile
from pathlib import Path

from language_checks import Verdict
from voice_checks import (piper_cases, piper_inputs, runs_of, same_bits, say_ids, session, snr,
                          voice)

import make_high_voice

SNR = 80  # dB
FAST_SNR = 38
HIGH_CASES = [0, 2]


def compare(verdict, folder, name, onnx_file, cases):
    reference_session = session(onnx_file)
    trace = Path(folder) / "trace.json"
    for case in cases:
        reference = reference_session.run(None, piper_inputs(case["ids"]))[0].ravel()
        streamed = say_ids(folder, onnx_file, case["ids"], "--trace", trace)
        windows = runs_of(trace, "vocoder")
        whole = say_ids(folder, onnx_file, case["ids"], "--whole", "--trace", trace)
        label = f"{name}, {case['characters']} characters"
        verdict.check(len(streamed) == len(reference),
                      f"{label}: {len(streamed)} samples, onnxruntime {len(reference)}")
        if len(streamed) == len(reference):
            figure = snr(streamed, reference)
            verdict.check(figure >= SNR, f"{label}: SNR {figure:.1f} dB (at least {SNR})")
        verdict.check(same_bits(streamed, whole),
                      f"{label}: {windows} vocoder runs, the same bits as in "
                      f"{runs_of(trace, 'vocoder')}")
        fast = say_ids(folder, onnx_file, case["ids"], precision="fast")
        fast_whole = say_ids(folder, onnx_file, case["ids"], "--whole", precision="fast")
        if onnx_file == voice() and len(fast) == len(whole):  # the gate is a real voice's
            figure = snr(fast, whole)
            verdict.check(figure >= FAST_SNR,
                          f"{label}, fast: SNR {figure:.1f} dB (at least {FAST_SNR})")
        verdict.check(same_bits(fast, fast_whole), f"{label}, fast: streamed as whole")


def main():
    medium = voice()
    cases = piper_cases()
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        compare(verdict, folder, "medium", medium, cases)
        high = str(make_high_voice.make(medium, folder))
        compare(verdict, folder, "high", high, [cases[i] for i in HIGH_CASES])
    verdict.leave()


main()
