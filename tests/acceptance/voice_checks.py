"""What the acceptance scripts of voice, hearing and graphs share: onnxruntime, sounds, figures.

The scripts need numpy and onnxruntime, so importing this starts the script again in the Python that
TENWATT_REFERENCE_PYTHON names, where there is one. What every script shares is language_checks.py.
"""
import json
import os
import sys
from pathlib import Path

if os.environ.get("TENWATT_REFERENCE_PYTHON") and not os.environ.get("TENWATT_RESTARTED"):
    os.environ["TENWATT_RESTARTED"] = "1"
    os.execv(os.environ["TENWATT_REFERENCE_PYTHON"],
             [os.environ["TENWATT_REFERENCE_PYTHON"], *sys.argv])

import numpy as np
import onnxruntime

from language_checks import REFERENCES, ROOT, model, tenwatt

sys.path.insert(0, str(ROOT / "tests/reference"))
VOICE = "en_US-joe-medium.onnx"


def voice():
    return model(VOICE)


def piper_cases():
    """Sentences with the phoneme ids of piper-tts (tests/reference/record_piper.py)."""
    return json.loads((REFERENCES / "piper.json").read_text(encoding="utf-8"))["cases"]


def session(onnx_file):
    """One that computes what the file says, without optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(onnx_file, options, ["CPUExecutionProvider"])


def piper_inputs(ids):
    """Scales: no noise, the voice's own pace, no noise in the durations."""
    return {"input": np.array([ids], np.int64), "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([0, 1, 0], np.float32)}


def say_ids(folder, onnx_file, ids, *options, precision="exact"):
    """Samples of `tenwatt say --ids` without noise."""
    ids_file, sound = Path(folder) / "ids.json", Path(folder) / "sound.f32"
    ids_file.write_text(json.dumps(ids))
    sound.unlink(missing_ok=True)
    tenwatt("say", "--voice", onnx_file, "--ids", ids_file, "--noise", 0, "--precision", precision,
            "--format", "f32", "-o", sound, *options)
    return np.fromfile(sound, "<f4")


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def snr(ours, reference):
    """Signal to noise in dB, the reference being the signal."""
    reference = reference.astype(np.float64)
    noise = np.sum(np.square(ours.astype(np.float64) - reference))
    return float("inf") if noise == 0 else 10 * np.log10(np.sum(np.square(reference)) / noise)


def runs_of(trace_file, name):
    """How often a trace says that a graph of this name ran."""
    events = json.loads(Path(trace_file).read_text())["traceEvents"]
    return sum(event["ph"] == "B" and event["name"] == name for event in events)
