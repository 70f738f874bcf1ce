"""Records voice activity: Silero's probabilities by onnxruntime, and stretches of speech.

Usage: record_vad.py silero_vad_16k_sequence.onnx SPEECH_FOLDER > tests/reference/data/vad.json
`stretches` are faster-whisper's get_speech_timestamps over made-up probabilities, which a test
repeats from their formula, for several settings. `clips` are probabilities of some human clips
(16-bit samples / 32768; windows of 64 samples before and 512 new ones; the last one zero-padded).
"""
import importlib.metadata
import json
import sys
import wave
from pathlib import Path

import faster_whisper.vad as vad
import numpy as np
import onnxruntime

CLIPS = ["jfk", "ls-61", "ast-hello-world", "harvard-2-4", "vosk-digits"]
SETTINGS = [
    dict(threshold=0.5, neg_threshold=0.35, min_speech_duration_ms=250,
         min_silence_duration_ms=100, speech_pad_ms=30),
    dict(threshold=0.5, neg_threshold=0.35, min_speech_duration_ms=0,
         min_silence_duration_ms=2000, speech_pad_ms=400),
    dict(threshold=0.7, neg_threshold=0.3, min_speech_duration_ms=100,
         min_silence_duration_ms=320, speech_pad_ms=200),
    dict(threshold=0.4, neg_threshold=0.1, min_speech_duration_ms=640,
         min_silence_duration_ms=64, speech_pad_ms=0),
]
HOPS, TAIL = 600, 200


def made_up(seed):
    """A slow random walk, so that speech and silence last."""
    state, level, values = seed, 0.5, []
    for _ in range(HOPS):
        state = (1664525 * state + 1013904223) % 2**32
        level = min(max(level + (state / 2**31 - 1) * 0.25, 0.0), 1.0)
        values.append(np.float32(level))
    return np.array(values)


def stretches(seed, settings):
    samples = HOPS * 512 - TAIL
    vad.get_vad_model = lambda: lambda audio: made_up(seed)
    found = vad.get_speech_timestamps(np.zeros(samples, np.float32), vad.VadOptions(**settings))
    return {"seed": seed, "samples": samples, **settings,
            "stretches": [[s["start"], s["end"]] for s in found]}


def probabilities(session, path):
    with wave.open(str(path)) as f:
        audio = np.frombuffer(f.readframes(f.getnframes()), np.int16).astype(np.float32) / 32768
    padded = np.concatenate([np.zeros(64, np.float32), audio,
                             np.zeros(-len(audio) % 512, np.float32)])
    windows = np.stack([padded[i:i + 576] for i in range(0, len(padded) - 64, 512)])
    zeros = np.zeros((1, 1, 128), np.float32)
    probs, _, _ = session.run(None, {"input": windows, "h": zeros, "c": zeros})
    return [round(float(p), 7) for p in probs]


session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
speech = Path(sys.argv[2])
json.dump({
    "recorded_with": {p: importlib.metadata.version(p) for p in ("faster-whisper", "onnxruntime")},
    "stretches": [stretches(seed, s) for seed in (1, 2, 3) for s in SETTINGS],
    "clips": [{"id": c, "probabilities": probabilities(session, speech / "human" / f"{c}.wav")}
              for c in CLIPS],
}, sys.stdout)
print()
