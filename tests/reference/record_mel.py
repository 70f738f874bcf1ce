"""Records log-mel values of a made-up signal with faster_whisper's feature extractor.

Usage: record_mel.py > tests/reference/data/log_mel.json
The signal is defined by a formula that the test repeats, so no recording is committed:
x[i] = 0.4 sin(2 pi 440 i / 16000) + 0.2 sin(2 pi (200 + 0.05 i) i / 16000) + 0.05 noise[i], where
noise is a 32-bit linear congruential generator; the middle fifth is silent. Frames are sampled
sparsely to keep the file small.
"""
import importlib.metadata
import json
import sys

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

SAMPLES = 40123
FRAMES = [0, 1, 2, 60, 99, 100, 125, 149, 150, 200, 248, 249]


def signal():
    i = np.arange(SAMPLES, dtype=np.float64)
    state, noise = 12345, np.empty(SAMPLES)
    for k in range(SAMPLES):
        state = (1664525 * state + 1013904223) % 2**32
        noise[k] = state / 2**31 - 1
    x = (0.4 * np.sin(2 * np.pi * 440 * i / 16000)
         + 0.2 * np.sin(2 * np.pi * (200 + 0.05 * i) * i / 16000) + 0.05 * noise)
    x[SAMPLES * 2 // 5:SAMPLES * 3 // 5] = 0
    return x.astype(np.float32)


def record(mels):
    extractor = FeatureExtractor(feature_size=mels)
    values = extractor(signal())
    filters = extractor.get_mel_filters(16000, 400, mels)
    return {
        "mels": mels,
        "frames": int(values.shape[1] - 1),
        "columns": [[round(float(v), 6) for v in values[:, f]] for f in FRAMES],
        "filter_sums": [float(v) for v in filters.sum(axis=1)],
    }


json.dump({
    "recorded_with": "faster-whisper " + importlib.metadata.version("faster-whisper"),
    "samples": SAMPLES,
    "columns_are_frames": FRAMES,
    "spectrograms": [record(80), record(128)],
}, sys.stdout)
print()
