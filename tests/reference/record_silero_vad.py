#!/usr/bin/env python3
"""Records what onnxruntime computes with the Silero VAD models, as data/silero_vad.json.

The input is noise from a linear congruential generator, so that a test can make the same numbers.

    pip install numpy onnxruntime==1.32.0 silero-vad==6.2.3
    python record_silero_vad.py FOLDER_WITH_THE_MODELS
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime


def noise(count):
    """x' = 1664525 x + 1013904223 mod 2^32 from 1; each value is its top 24 bits in [-0.5, 0.5)."""
    values, state = [], 1
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values.append((state >> 8) / 2**24 - 0.5)
    return np.array(values, np.float32)


def run(path, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return {
        name: {"shape": list(value.shape), "values": [float(f"{v:.8g}") for v in value.ravel()]}
        for name, value in zip(names, session.run(None, feeds))
    }


def main():
    folder = pathlib.Path(sys.argv[1])
    chunks = 4
    sequence = run(
        folder / "silero_vad_16k_sequence.onnx",
        {
            "input": noise(chunks * 576).reshape(chunks, 576),
            "h": np.zeros((1, 1, 128), np.float32),
            "c": np.zeros((1, 1, 128), np.float32),
        },
    )
    single = {
        str(rate): run(
            folder / "silero_vad.onnx",
            {
                "input": noise(samples).reshape(1, samples),
                "state": np.zeros((2, 1, 128), np.float32),
                "sr": np.array(rate, np.int64),
            },
        )
        for rate, samples in ((16000, 576), (8000, 288))
    }
    path = pathlib.Path(__file__).parent / "data" / "silero_vad.json"
    document = {"onnxruntime": onnxruntime.__version__, "sequence": sequence, "single": single}
    path.write_text(json.dumps(document) + "\n")
    print(path.stat().st_size, "bytes", sequence["speech_probs"]["values"])


if __name__ == "__main__":
    main()
