#!/usr/bin/env python3
"""Records what gguf-py makes of random blocks, for tests/unit/numbers.

For each format these files land in tests/reference/data/number_formats: <name>.values (f32 that
were quantised) and <name>.blocks (their bytes), where gguf-py has a quantiser, and <name>.decoded
(f32 from random blocks that are stored in <name>.random). Blocks whose scale is not finite are left
out; <name>.extremes and <name>.extremes.decoded have subnormal, infinite and NaN scales.

    python3 tests/reference/record_number_formats.py     # needs the packages gguf and numpy
"""

import pathlib

import numpy as np
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

BLOCKS = 48
# Where the f16 fields of a block lie: these get moderate values, so that all results are finite.
HALVES = {
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q8_0": [0],
    "BF16": [],
    "F16": [],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
    "IQ4_NL": [0],
    "IQ4_XS": [0],
    "MXFP4": [],
}
NO_QUANTISER = {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"}
# Subnormals, zeros, the largest, infinities and NaN.
EXTREMES = [0x0001, 0x8003, 0x03FF, 0x0000, 0x8000, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E01, 0xFFFF]


def values(generator, count):
    """Normal values over several magnitudes, with rows of zeros, constants and exact halves."""
    x = generator.standard_normal((count, 32)) * np.exp2(generator.integers(-12, 8, (count, 1)))
    x[0] = 0
    x[1] = 3.25
    x[2] = np.arange(32) / 2 - 8
    x[3] = -np.arange(32)
    return x.astype(np.float32)


def random_blocks(generator, count, size, halves):
    blocks = generator.integers(0, 256, (count, size), dtype=np.uint8)
    for at in halves:
        field = (generator.standard_normal(count) * 0.1).astype(np.float16)
        blocks[:, at : at + 2] = field.view(np.uint8).reshape(count, 2)
    return blocks


def extreme_blocks(generator, name, size, halves):
    """A block for each extreme; the exponents of MXFP4 are all of them."""
    count = 256 if name == "MXFP4" else len(EXTREMES)
    blocks = generator.integers(0, 256, (count, size), dtype=np.uint8)
    if name == "MXFP4":
        blocks[:, 0] = np.arange(256)
    for at in halves:
        field = np.roll(np.array(EXTREMES, dtype=np.uint16), at)
        blocks[:, at : at + 2] = field.view(np.uint8).reshape(count, 2)
    return blocks


def main():
    folder = pathlib.Path(__file__).parent / "data" / "number_formats"
    folder.mkdir(parents=True, exist_ok=True)
    for name, halves in HALVES.items():
        generator = np.random.default_rng(7)
        kind = GGMLQuantizationType[name]
        block, size = GGML_QUANT_SIZES[kind]
        x = values(generator, BLOCKS)
        count = BLOCKS // 4 if block > 32 else BLOCKS
        raw = random_blocks(generator, count, size if block > 32 else size * 32 // block, halves)
        decoded = quants.dequantize(raw, kind)
        raw, decoded = raw[np.isfinite(decoded).all(axis=1)], decoded[np.isfinite(decoded).all(axis=1)]
        if name not in NO_QUANTISER:
            x.tofile(folder / f"{name.lower()}.values")
            quants.quantize(x, kind).tofile(folder / f"{name.lower()}.blocks")
        if halves or name == "MXFP4":
            extremes = extreme_blocks(generator, name, size, halves)
            extremes.tofile(folder / f"{name.lower()}.extremes")
            with np.errstate(all="ignore"):
                quants.dequantize(extremes, kind).astype(np.float32).tofile(
                    folder / f"{name.lower()}.extremes.decoded"
                )
        raw.tofile(folder / f"{name.lower()}.random")
        decoded.astype(np.float32).tofile(folder / f"{name.lower()}.decoded")


if __name__ == "__main__":
    main()
