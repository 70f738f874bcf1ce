"""Records what a language model in a GGUF file says of a text when it is run in 32-bit floats.

Usage: record_scores.py MODEL.gguf IDS.json [--tokens 512] [--top 64] > scores.json
IDS.json is a list of token ids or the output of `tenwatt tokenize --json`. The weights are
dequantised by gguf-py; the forward pass is NumPy in float32, with float64 only in the final
softmax. Each position gets its best log-probabilities, the probability of all other tokens
together, and the log-probability of the token that follows. Families: llama, qwen2, gemma3. Needs
gguf and numpy.
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
        self.family = self.reader.fields["general.architecture"].contents()

    def __getitem__(self, name):
        tensor = self.tensors[name]
        return gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)

    def __contains__(self, name):
        return name in self.tensors

    def fact(self, name, otherwise=None):
        field = self.reader.fields.get(f"{self.family}.{name}")
        if field is None and otherwise is None:
            sys.exit(f"the file says nothing of {self.family}.{name}")
        return otherwise if field is None else field.contents()


class Layer:
    """What sets one layer's attention apart: the rotary base and how far back a query sees."""

    def __init__(self, base, window=None):
        self.base = base
        self.window = window


class Llama:
    """Rows that the converter to GGUF arranges so that rotated pairs are neighbours."""

    def __init__(self, weights):
        self.weights = weights
        self.embedding_scale = np.float32(1)

    def layer(self, block):
        return Layer(self.weights.fact("rope.freq_base"))

    def pairs(self, x):
        return x[..., 0::2], x[..., 1::2]

    def joined(self, first, second):
        return np.stack([first, second], axis=-1).reshape(*first.shape[:-1], -1)

    def gate(self, x):
        return x / (1 + np.exp(-x))


class Halves(Llama):
    """Rotated pairs lie half a head apart."""

    def pairs(self, x):
        return np.split(x, 2, axis=-1)

    def joined(self, first, second):
        return np.concatenate([first, second], axis=-1)


class Gemma3(Halves):
    """Every sixth layer sees everything; the others see a window and rotate with base 10,000."""

    def __init__(self, weights):
        super().__init__(weights)
        self.embedding_scale = np.float32(np.sqrt(weights.fact("embedding_length")))

    def layer(self, block):
        if block % 6 == 5:
            return super().layer(block)
        return Layer(10000.0, self.weights.fact("attention.sliding_window"))

    def gate(self, x):
        inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
        return np.float32(0.5) * x * (1 + np.tanh(inner))


FAMILIES = {"llama": Llama, "qwen2": Halves, "gemma3": Gemma3}


def rms_norm(x, weight, epsilon):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(epsilon)) * weight


def rotate(x, layer, family):
    """Rotary position embedding of [positions, heads, size]."""
    positions, _, size = x.shape
    frequency = layer.base ** (-np.arange(0, size, 2, dtype=np.float64) / size)
    angle = np.arange(positions, dtype=np.float64)[:, None] * frequency
    cos = np.cos(angle).astype(np.float32)[:, None, :]
    sin = np.sin(angle).astype(np.float32)[:, None, :]
    first, second = family.pairs(x)
    return family.joined(first * cos - second * sin, first * sin + second * cos)


def attention(q, k, v, window):
    """Causal, at most `window` back; [positions, heads, size]; several query heads share a key
    head."""
    positions, heads, size = q.shape
    group = heads // k.shape[1]
    hidden = np.triu(np.full((positions, positions), -np.inf, np.float32), 1)
    if window:
        hidden += np.tril(np.full((positions, positions), -np.inf, np.float32), -window)
    rows = np.empty_like(q)
    for head in range(heads):
        keys, values = k[:, head // group], v[:, head // group]
        scores = q[:, head] @ keys.T / np.float32(np.sqrt(size)) + hidden
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        rows[:, head] = scores / scores.sum(axis=-1, keepdims=True) @ values
    return rows.reshape(positions, heads * size)


def last_hidden(weights, ids):
    """The rows that the output matrix multiplies."""
    if weights.family not in FAMILIES:
        sys.exit(f"the family {weights.family} is none of {', '.join(FAMILIES)}")
    family = FAMILIES[weights.family](weights)
    heads = weights.fact("attention.head_count")
    key_heads = weights.fact("attention.head_count_kv", heads)
    epsilon = weights.fact("attention.layer_norm_rms_epsilon")
    x = weights["token_embd.weight"][ids] * family.embedding_scale
    for block in range(weights.fact("block_count")):
        layer = family.layer(block)

        def normed(rows, name):
            """Norms that a family has not leave the rows alone."""
            name = f"blk.{block}.{name}.weight"
            return rms_norm(rows, weights[name], epsilon) if name in weights else rows

        def project(rows, name):
            out = rows @ weights[f"blk.{block}.{name}.weight"].T
            bias = f"blk.{block}.{name}.bias"
            return out + weights[bias] if bias in weights else out

        def in_heads(rows, name, count):
            return project(rows, name).reshape(len(ids), count, -1)

        rows = normed(x, "attn_norm")
        q = rotate(normed(in_heads(rows, "attn_q", heads), "attn_q_norm"), layer, family)
        k = rotate(normed(in_heads(rows, "attn_k", key_heads), "attn_k_norm"), layer, family)
        v = in_heads(rows, "attn_v", key_heads)
        mixed = project(attention(q, k, v, layer.window), "attn_output")
        x = x + normed(mixed, "post_attention_norm")
        rows = normed(x, "ffn_norm")
        inner = family.gate(project(rows, "ffn_gate")) * project(rows, "ffn_up")
        x = x + normed(project(inner, "ffn_down"), "post_ffw_norm")
    return rms_norm(x, weights["output_norm.weight"], epsilon)


def log_softmax(row):
    row = row.astype(np.float64)
    row -= row.max()
    return row - np.log(np.exp(row).sum())


def log_probabilities(hidden, head, rows=32):
    """Row by row, multiplied a few at a time: a vocabulary's worth of float64 each."""
    for begin in range(0, len(hidden), rows):
        yield from map(log_softmax, hidden[begin:begin + rows] @ head.T)


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
    weights = Weights(options.model)
    hidden = last_hidden(weights, ids)
    head = weights["output.weight" if "output.weight" in weights else "token_embd.weight"]
    print('{"made_with":' + json.dumps(f"gguf {gguf_version()}, numpy {np.__version__}, float32")
          + ',\n"ids":' + json.dumps(ids, separators=(",", ":")) + ',\n"positions":[')
    for position, row in enumerate(log_probabilities(hidden[:-1], head)):
        best = np.argsort(-row, kind="stable")[:options.top]
        entry = {"top": [[int(token), round(float(row[token]), 5)] for token in best],
                 "rest": float(f"{max(0.0, 1 - np.exp(row[best]).sum()):.4g}"),
                 "next": round(float(row[ids[position + 1]]), 5)}
        last = position == len(ids) - 2
        print(json.dumps(entry, separators=(",", ":")) + ("]}" if last else ","))


def gguf_version():
    import importlib.metadata
    return importlib.metadata.version("gguf")


if __name__ == "__main__":
    main()
