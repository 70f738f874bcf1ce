#!/usr/bin/env python3
"""Records what piper-tts makes of ten sentences: phonemes and ids, and what onnxruntime speaks.

    pip install -r packaging/requirements-reference.txt
    python record_piper.py en_US-joe-medium.onnx > tests/reference/data/piper.json

The sentences go from one word to about 300 characters. The sound itself is not kept (the acceptance
asks onnxruntime again); its length, and what identifies it, are. Scales are [noise 0, length 1,
noise_w 0], so that nothing is random; the session is one thread of the CPU without optimisation.
"""
import hashlib
import importlib.metadata
import json
import sys

import numpy as np
import onnxruntime
from piper import PiperVoice

SENTENCES = [
    "Hello.",
    "Good morning, everyone.",
    "The kettle is boiling in the kitchen.",
    "What time does the last train leave for the coast tonight?",
    "Please put the milk, the eggs and the bread on the list before we go out.",
    "She counted seventeen boats in the harbour, and then she counted them again, just to be sure!",
    "The museum opens at half past nine on weekdays; on Sundays it stays closed, except for the "
    "garden and the small cafe beside the gate.",
    "When the rain finally stopped, the children ran out into the street, jumped over the puddles, "
    "and shouted so loudly that the old dog next door woke up and joined them.",
    "A computer that speaks has to decide how long every sound lasts, how high it is, and how it "
    "joins its neighbours; a mistake in any of these is heard at once, although very few listeners "
    "could say what exactly went wrong in it.",
    "In the spring of that year the river rose higher than anyone in the village could remember, "
    "covering the lower fields and the road to the mill, so that for almost two weeks the only way "
    "to reach the market was by boat, and the miller, who owned the largest one, became for once "
    "the most popular man around.",
]


def speak(session, ids):
    inputs = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array([0, 1, 0], np.float32),
    }
    return session.run(None, inputs)[0].ravel()


def main():
    model = sys.argv[1]
    voice = PiperVoice.load(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    cases = []
    for text in SENTENCES:
        sentences = voice.phonemize(text)
        assert len(sentences) == 1, text
        ids = voice.phonemes_to_ids(sentences[0])
        sound = speak(session, ids)
        cases.append({
            "text": text,
            "characters": len(text),
            "phonemes": "".join(sentences[0]),
            "ids": ids,
            "samples": len(sound),
            "rms": round(float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))), 7),
            "sha256": hashlib.sha256(sound.astype("<f4").tobytes()).hexdigest(),
        })
    versions = {p: importlib.metadata.version(p) for p in ("piper-tts", "onnxruntime", "numpy")}
    head = {"recorded_with": versions, "scales": [0, 1, 0],
            "model_sha256": hashlib.sha256(open(model, "rb").read()).hexdigest()}
    print(json.dumps(head)[:-1] + ', "cases": [')
    print(",\n".join(json.dumps(case, ensure_ascii=False) for case in cases))
    print("]}")


main()
