#!/usr/bin/env python3
"""Records vectors for the operators of our own, as data/own_operators.json.

Everything is computed by programs that are not ours, from inputs made here: the ONNX reference
evaluator (RMSNormalization, RotaryEmbedding, Attention with explicit masks, Gelu, all of opset 23)
in float64, and gguf's quantisers for the block formats.

    pip install numpy onnx==1.22.0 gguf==0.19.0
    python record_own_operators.py
"""

import json
import pathlib

import gguf
import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

RNG = np.random.default_rng(20261124)


def normal(*shape):
    return RNG.standard_normal(shape).round(3).astype(np.float32)


def onnx_op(op, inputs, attributes, opset=23):
    """Runs one ONNX operator in float64. `inputs` may hold None."""
    names = ["" if value is None else f"i{n}" for n, value in enumerate(inputs)]
    node = helper.make_node(op, names, ["out"], **attributes)
    feeds = {name: value for name, value in zip(names, inputs) if value is not None}
    infos = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in feeds.items()
    ]
    out = helper.make_tensor_value_info("out", TensorProto.DOUBLE, None)
    graph = helper.make_graph([node], "one", infos, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model).run(None, feeds)[0]


def tensor(values, fmt=None):
    """A tensor as JSON: numbers, or the bytes that gguf stores them in."""
    if values is None:
        return None
    if fmt is None:
        fmt = {"float32": "f32", "int32": "i32", "int64": "i64"}[str(values.dtype)]
        return {"format": fmt, "shape": list(values.shape), "values": plain(values)}
    kind = {
        "f16": gguf.GGMLQuantizationType.F16,
        "bf16": gguf.GGMLQuantizationType.BF16,
        "q4_0": gguf.GGMLQuantizationType.Q4_0,
        "q4_1": gguf.GGMLQuantizationType.Q4_1,
        "q8_0": gguf.GGMLQuantizationType.Q8_0,
    }[fmt]
    stored = gguf.quantize(values, kind)
    return {"format": fmt, "shape": list(values.shape), "bytes": stored.tobytes().hex()}


def decoded(values, fmt):
    if fmt is None:
        return values.astype(np.float64)
    entry = tensor(values, fmt)
    kind = gguf.GGMLQuantizationType[fmt.upper()]
    raw = np.frombuffer(bytes.fromhex(entry["bytes"]), dtype=np.uint8)
    if fmt == "f16":
        return raw.view(np.float16).reshape(values.shape).astype(np.float64)
    rows = raw.reshape(values.shape[0], -1)
    return gguf.dequantize(rows, kind).reshape(values.shape).astype(np.float64)


def plain(values):
    if np.issubdtype(values.dtype, np.floating):
        return [float(f"{v:.8g}") for v in values.astype(np.float64).ravel()]
    return [int(v) for v in values.ravel()]


CASES = []


def record(name, op, inputs, output, attributes=None, slices=None, formats=None):
    formats = formats or {}
    CASES.append(
        {
            "name": name,
            "op": op,
            "attributes": attributes or {},
            "inputs": [tensor(v, formats.get(i)) for i, v in enumerate(inputs)],
            "slices": slices or [],
            "output": {"shape": list(output.shape), "values": plain(output)},
        }
    )


def linear_cases():
    for fmt in (None, "f16", "bf16", "q4_0", "q4_1", "q8_0"):
        x, w, bias = normal(3, 64), normal(5, 64), normal(5)
        wide = decoded(w, fmt)
        product = onnx_op("MatMul", [x.astype(np.float64), wide.T.copy()], {})
        record(f"linear {fmt or 'f32'}", "Linear", [x, w], product, formats={1: fmt})
        record(
            f"linear {fmt or 'f32'} with bias",
            "Linear",
            [x, w, bias],
            product + bias,
            formats={1: fmt},
        )


def embedding_cases():
    for fmt in (None, "f16", "q4_0", "q8_0"):
        ids, table = np.array([3, 0, 6, 3], np.int32), normal(7, 32)
        rows = onnx_op("Gather", [decoded(table, fmt), ids], {})
        record(f"embedding {fmt or 'f32'}", "Embedding", [ids, table], rows, formats={1: fmt})


def rms_norm_cases():
    for epsilon in (1e-5, 0.5):
        x, weight = normal(2, 3, 8), normal(8)
        y = onnx_op(
            "RMSNormalization",
            [x.astype(np.float64), weight.astype(np.float64)],
            {"epsilon": epsilon, "axis": -1},
        )
        record(f"rms norm {epsilon}", "RmsNorm", [x, weight], y, {"epsilon": epsilon})


def rotary_cases():
    tokens, heads, width = 4, 3, 8
    for interleaved in (0, 1):
        for rotary_dim in (8, 4):
            for factors in (None, np.abs(normal(rotary_dim // 2)) + 0.5):
                x = normal(tokens, heads, width)
                positions = np.array([0, 1, 7, 1000], np.int32)
                base, scale = 500.0, 0.25
                inverse = scale * base ** (-2 * np.arange(rotary_dim // 2) / rotary_dim)
                if factors is not None:
                    inverse = inverse / factors.astype(np.float64)
                angles = positions[:, None] * inverse[None, :]
                y = onnx_op(
                    "RotaryEmbedding",
                    # ONNX wants [batch, heads, tokens, width] and caches [batch, tokens, pairs].
                    [
                        x.astype(np.float64).transpose(1, 0, 2)[None],
                        np.cos(angles)[None],
                        np.sin(angles)[None],
                    ],
                    {"interleaved": interleaved, "rotary_embedding_dim": rotary_dim},
                )
                record(
                    f"rotary interleaved={interleaved} dim={rotary_dim} "
                    f"factors={factors is not None}",
                    "RotaryEmbedding",
                    [x, positions, factors],
                    y[0].transpose(1, 0, 2),
                    {
                        "base": base,
                        "scale": scale,
                        "rotary_dim": rotary_dim,
                        "interleaved": interleaved,
                    },
                )


def onnx_attention(q, k, v, mask, scale, softcap=0.0):
    """q [tokens, heads, d], k and v [rows, kv_heads, d], mask [tokens, rows] of bool."""
    flip = lambda a: a.astype(np.float64).transpose(1, 0, 2)[None]
    attributes = {"scale": scale, "softcap": softcap}
    y = onnx_op("Attention", [flip(q), flip(k), flip(v), mask], attributes)
    return y[0].transpose(1, 0, 2)


def attention_case(name, slices, heads=4, kv_heads=2, width=8, value_width=8, **attributes):
    """`slices` holds (rows, past) pairs; rows are laid out one after another."""
    tokens = sum(rows for rows, _ in slices)
    q, k, v = (
        normal(tokens, heads, width),
        normal(tokens, kv_heads, width),
        normal(tokens, kv_heads, value_width),
    )
    scale = attributes.setdefault("scale", 0.3)
    window, causal = attributes.get("window", 0), attributes.setdefault("causal", 1)
    parts, recorded, first = [], [], 0
    for rows, past in slices:
        past_k, past_v = normal(past, kv_heads, width), normal(past, kv_heads, value_width)
        own = slice(first, first + rows)
        at = np.arange(past, past + rows)[:, None]
        key = np.arange(past + rows)[None, :]
        mask = key <= at if causal else np.ones((rows, past + rows), bool)
        if window:
            mask = mask & (abs(at - key) < window)
        parts.append(
            onnx_attention(
                q[own],
                np.concatenate([past_k, k[own]]),
                np.concatenate([past_v, v[own]]),
                mask,
                scale,
                attributes.get("softcap", 0.0),
            )
        )
        recorded.append(
            {
                "first_row": first,
                "rows": rows,
                "position": past,
                "past": {"keys": tensor(past_k), "values": tensor(past_v)} if past else {},
            }
        )
        first += rows
    states = {"k_state": "keys", "v_state": "values"}
    output = np.concatenate(parts)
    record(name, "Attention", [q, k, v], output, {**attributes, **states}, recorded)


def attention_cases():
    attention_case("attention of one prompt", [(5, 0)])
    attention_case("attention of one token after a past", [(1, 6)])
    attention_case("attention of a chunk after a past", [(3, 4)])
    attention_case("attention of three slices", [(2, 3), (1, 7), (4, 0)])
    attention_case("attention in a window", [(6, 0), (2, 5)], window=3)
    attention_case("attention with a softcap", [(4, 2)], softcap=1.5)
    attention_case("attention without a mask", [(3, 2)], causal=0)
    attention_case("attention in a window on both sides", [(7, 0)], causal=0, window=3)
    attention_case("attention with a head for each", [(3, 1)], kv_heads=4)
    attention_case("attention with narrow values", [(3, 1)], value_width=5)


def cross_attention_cases():
    for kv_heads in (4, 2):
        q, k, v = normal(3, 4, 8), normal(9, kv_heads, 8), normal(9, kv_heads, 8)
        y = onnx_attention(q, k, v, np.ones((3, 9), bool), 0.3)
        name = f"cross attention of {kv_heads} kv heads"
        record(name, "CrossAttention", [q, k, v], y, {"scale": 0.3})


def gated_feed_forward_cases():
    for activation in ("silu", "gelu_tanh"):
        for fmt in (None, "q8_0"):
            d, f = (32, 64) if fmt else (6, 10)
            x, gate, up, down = normal(3, d), normal(f, d), normal(f, d), normal(d, f)
            wide = x.astype(np.float64)
            left = wide @ decoded(gate, fmt).T
            if activation == "silu":
                left = left * onnx_op("Sigmoid", [left], {})
            else:
                left = onnx_op("Gelu", [left], {"approximate": "tanh"})
            y = (left * (wide @ decoded(up, fmt).T)) @ decoded(down, fmt).T
            record(
                f"gated feed forward {activation} {fmt or 'f32'}",
                "GatedFeedForward",
                [x, gate, up, down],
                y,
                {"activation": activation},
                formats={1: fmt, 2: fmt, 3: fmt},
            )


def main():
    linear_cases()
    embedding_cases()
    rms_norm_cases()
    rotary_cases()
    attention_cases()
    cross_attention_cases()
    gated_feed_forward_cases()
    path = pathlib.Path(__file__).parent / "data" / "own_operators.json"
    lines = ",\n".join(json.dumps(case) for case in CASES)
    path.write_text(f'{{"onnx": "{onnx.__version__}", "cases": [\n{lines}\n]}}\n')
    print(len(CASES), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
