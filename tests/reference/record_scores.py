"""Records what a llama model in a GGUF file says of a text when it is run in 32-bit floats.

Usage: record_scores.py MODEL.gguf IDS.json [--tokens 512] [--top 64] > scores.json
IDS.json is a list of token ids or the output of `tenwatt tokenize --json`. The weights are
dequantised by gguf-py; the forward pass is NumPy in float32, with float64 only in the final
softmax. Each position gets its best log-probabilities, the probability of all other tokens
together, and the log-probability of the token that follows. Needs gguf and numpy.
"""
import argparse
import json
import sys

import gguf
import numpy as np


class Weights:
    """The file's values by name, dequantised when asked for."""

    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in self.reader.tensors}

    def __getitem__(self, name):
        tensor = self.tensors[name]
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)

    def get(self, name, other):
        return self[name] if name in self.tensors else self[other]

    def fact(self, name):
        return self.reader.fields[f"llama.{name}"].contents()


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(epsilon)) * weight


def rotate(x, base):
    """Rotary position embedding of [positions, heads, size]; pairs are neighbours, as the
    converter to GGUF arranges a llama's rows."""
    positions, _, size = x.shape
    frequency = base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    angle = np.arange(positions, dtype=np.float64)[:, None] * frequency
    cos = np.cos(angle).astype(np.float32)[:, None, :]
    sin = np.sin(angle).astype(np.float32)[:, None, :]
    even, odd = x[..., 0::2], x[..., 1::2]
    return np.stack([even * cos - odd * sin, even * sin + odd * cos], axis=-1).reshape(x.shape)


def attention(q, k, v):
    """Causal; [positions, heads, size]; several query heads share a key head."""
    positions, heads, size = q.shape
    group = heads // k.shape[1]
    hidden = np.triu(np.full((positions, positions), -np.inf, np.float32), 1)
    rows = np.empty_like(q)
    for head in range(heads):
        keys, values = k[:, head // group], v[:, head // group]
        scores = q[:, head] @ keys.T / np.float32(np.sqrt(size)) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        rows[:, head] = scores / scores.sum(axis=-1, keepdims=True) @ values
    return rows.reshape(positions, heads * size)


def logits(weights, ids):
    heads = weights.fact("attention.head_count")
    key_heads = weights.fact("attention.head_count_kv")
    epsilon = weights.fact("attention.layer_norm_rms_epsilon")
    base = weights.fact("rope.freq_base")
    x = weights["token_embd.weight"][ids]
    for block in range(weights.fact("block_count")):
        def project(rows, name):
            return rows @ weights[f"blk.{block}.{name}.weight"].T

        rows = rms_norm(x, weights[f"blk.{block}.attn_norm.weight"], epsilon)
        q = rotate(project(rows, "attn_q").reshape(len(ids), heads, -1), base)
        k = rotate(project(rows, "attn_k").reshape(len(ids), key_heads, -1), base)
        v = project(rows, "attn_v").reshape(len(ids), key_heads, -1)
        x = x + project(attention(q, k, v), "attn_output")
        rows = rms_norm(x, weights[f"blk.{block}.ffn_norm.weight"], epsilon)
        gate = project(rows, "ffn_gate")
        x = x + project(gate / (1 + np.exp(-gate)) * project(rows, "ffn_up"), "ffn_down")
    x = rms_norm(x, weights["output_norm.weight"], epsilon)
    return x @ weights.get("output.weight", "token_embd.weight").T


def log_softmax(rows):
    rows = rows.astype(np.float64)
    rows -= rows.max(axis=-1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=-1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--top", type=int, default=64)
    options = parser.parse_args()
    with open(options.ids, encoding="utf-8") as file:
        ids = json.load(file)
    ids = (ids["ids"] if isinstance(ids, dict) else ids)[:options.tokens]
    if len(ids) < options.tokens:
        sys.exit(f"the text has only {len(ids)} tokens")
    scores = log_softmax(logits(Weights(options.model), ids))
    print('{"made_with":' + json.dumps(f"gguf {gguf_version()}, numpy {np.__version__}, float32")
          + ',\n"ids":' + json.dumps(ids, separators=(",", ":")) + ',\n"positions":[')
    for position, row in enumerate(scores[:-1]):
        best = np.argsort(-row, kind="stable")[:options.top]
        entry = {"top": [[int(token), round(float(row[token]), 5)] for token in best],
                 "rest": float(f"{max(0.0, 1 - np.exp(row[best]).sum()):.4g}"),
                 "next": round(float(row[ids[position + 1]]), 5)}
        last = position == len(scores) - 2
        print(json.dumps(entry, separators=(",", ":")) + ("]}" if last else ","))


def gguf_version():
    import importlib.metadata
    return importlib.metadata.version("gguf")


main()
