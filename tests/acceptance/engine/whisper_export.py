#!/usr/bin/env python3
"""Whisper as torch exports it: whisper_export.py MODEL.bin FOLDER writes encoder.onnx, decoder.onnx.

A plain torch module with the weights of a CTranslate2 file, given to torch.onnx.export: tracing, its
constant folding and its choice of operators are what other people's exporters are made of. The
encoder takes a log-mel spectrogram of any even number of frames and gives each layer's cross keys
and values; the decoder takes tokens at an offset, reads and returns its key and value caches whole.
Needs torch and numpy only (Debian: python3-torch).
"""
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

FORMATS = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
HEAD = 64
OPSET = 16  # the newest that every torch since 1.13 writes for all of these


def read_weights(path):
    """Every variable of a CTranslate2 file (version 6) as f32, by name."""
    data = Path(path).read_bytes()
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def text():
        nonlocal at
        length = take("H")
        at += length
        return data[at - length:at - 1].decode()

    take("I"), text(), take("I")
    weights = {}
    for _ in range(take("I")):
        name, rank = text(), take("B")
        shape = [take("I") for _ in range(rank)]
        kind, size = take("B"), take("I")
        array = np.frombuffer(data, FORMATS[kind], size // np.dtype(FORMATS[kind]).itemsize, at)
        at += size
        weights[name] = torch.from_numpy(array.reshape(shape).astype(np.float32))
    for _ in range(take("I")):
        alias, target = text(), text()
        weights[alias] = weights[target]
    return weights


class Weights(nn.Module):
    """Variables below a prefix, registered so that they become initializers."""

    def __init__(self, all_weights, prefix):
        super().__init__()
        self.prefix = prefix
        for name, value in all_weights.items():
            if name.startswith(prefix):
                self.register_buffer(name[len(prefix):].replace("/", "__"), value)

    def get(self, name):
        return getattr(self, name.replace("/", "__"))

    def linear(self, name, x, part=None):
        """x W^T + b, or one of the parts that are stored above each other."""
        weight, bias = self.get(name + "/weight"), self.get(name + "/bias")
        if part is not None:
            rows = x.shape[-1]
            weight, bias = weight[part * rows:(part + 1) * rows], bias[part * rows:(part + 1) * rows]
        return functional.linear(x, weight, bias)

    def norm(self, name, x):
        return functional.layer_norm(x, (self.get(name + "/gamma").shape[0],),
                                     self.get(name + "/gamma"), self.get(name + "/beta"))

    def layers(self):
        return 1 + max(int(name.split("__")[0][6:]) for name, _ in self.named_buffers()
                       if name.startswith("layer_") and name[6].isdigit())

    def feed_forward(self, layer, x):
        normed = self.norm(f"{layer}/ffn/layer_norm", x)
        inner = functional.gelu(self.linear(f"{layer}/ffn/linear_0", normed))
        return x + self.linear(f"{layer}/ffn/linear_1", inner)


def split_heads(x):
    return x.view(x.shape[0], x.shape[1], -1, HEAD).permute(0, 2, 1, 3)


def attention(q, k, v, mask=None):
    scores = split_heads(q) @ split_heads(k).transpose(2, 3) * HEAD ** -0.5
    if mask is not None:
        scores = scores + mask
    mixed = torch.softmax(scores, dim=-1) @ split_heads(v)
    return mixed.permute(0, 2, 1, 3).flatten(start_dim=2)


class Encoder(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.own = Weights(weights, "encoder/")
        self.cross = Weights(weights, "decoder/")

    def forward(self, mel):
        own = self.own
        x = functional.gelu(functional.conv1d(mel, own.get("conv1/weight"), own.get("conv1/bias"),
                                              padding=1))
        x = functional.gelu(functional.conv1d(x, own.get("conv2/weight"), own.get("conv2/bias"),
                                              stride=2, padding=1))
        x = x.permute(0, 2, 1)
        x = x + own.get("position_encodings/encodings")[:x.shape[1]]
        for i in range(own.layers()):
            layer = f"layer_{i}"
            normed = own.norm(f"{layer}/self_attention/layer_norm", x)
            q, k, v = own.linear(f"{layer}/self_attention/linear_0", normed).chunk(3, dim=-1)
            x = x + own.linear(f"{layer}/self_attention/linear_1", attention(q, k, v))
            x = own.feed_forward(layer, x)
        x = own.norm("layer_norm", x)
        pairs = [self.cross.linear(f"layer_{i}/attention/linear_1", x).chunk(2, dim=-1)
                 for i in range(self.cross.layers())]
        return torch.stack([k for k, _ in pairs]), torch.stack([v for _, v in pairs])


class Decoder(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.own = Weights(weights, "decoder/")
        positions = self.own.get("position_encodings/encodings").shape[0]
        self.register_buffer("future", torch.full((positions, positions), float("-inf")).triu(1))

    def forward(self, tokens, self_k, self_v, cross_k, cross_v, offset):
        own = self.own
        count = tokens.shape[1]
        start = offset[0]
        table = own.get("embeddings/weight")
        x = functional.embedding(tokens, table)
        x = x + own.get("position_encodings/encodings")[start:start + count]
        mask = self.future[start:start + count, :start + count]
        keys, values = [], []
        for i in range(own.layers()):
            layer = f"layer_{i}"
            normed = own.norm(f"{layer}/self_attention/layer_norm", x)
            q, k, v = own.linear(f"{layer}/self_attention/linear_0", normed).chunk(3, dim=-1)
            cache_k, cache_v = self_k[i].clone(), self_v[i].clone()
            cache_k[:, start:start + count] = k
            cache_v[:, start:start + count] = v
            keys.append(cache_k)
            values.append(cache_v)
            mixed = attention(q, cache_k[:, :start + count], cache_v[:, :start + count], mask)
            x = x + own.linear(f"{layer}/self_attention/linear_1", mixed)
            normed = own.norm(f"{layer}/attention/layer_norm", x)
            q = own.linear(f"{layer}/attention/linear_0", normed)
            x = x + own.linear(f"{layer}/attention/linear_2",
                               attention(q, cross_k[i], cross_v[i]))
            x = own.feed_forward(layer, x)
        logits = own.norm("layer_norm", x) @ table.t()
        return logits, torch.stack(keys), torch.stack(values)


def export(module, example, path, inputs, outputs, dynamic):
    torch.onnx.export(module.eval(), example, str(path), input_names=inputs, output_names=outputs,
                      dynamic_axes=dynamic, opset_version=OPSET, do_constant_folding=True)


def main():
    weights, folder = read_weights(sys.argv[1]), Path(sys.argv[2])
    with torch.no_grad():
        encoder = Encoder(weights)
        mel = torch.zeros(1, encoder.own.get("conv1/weight").shape[1], 400)
        export(encoder, (mel,), folder / "encoder.onnx", ["mel"], ["cross_k", "cross_v"],
               {"mel": {2: "frames"}, "cross_k": {2: "rows"}, "cross_v": {2: "rows"}})
        decoder = Decoder(weights)
        layers, positions = decoder.own.layers(), decoder.own.get("position_encodings/encodings")
        cache = torch.zeros(layers, 1, positions.shape[0], positions.shape[1])
        cross = torch.zeros(layers, 1, 200, positions.shape[1])
        export(decoder, (torch.zeros(1, 3, dtype=torch.int64), cache, cache, cross, cross,
                         torch.tensor([2])), folder / "decoder.onnx",
               ["tokens", "self_k", "self_v", "cross_k", "cross_v", "offset"],
               ["logits", "out_self_k", "out_self_v"],
               {"tokens": {1: "count"}, "logits": {1: "count"}, "cross_k": {2: "rows"},
                "cross_v": {2: "rows"}})


if __name__ == "__main__":
    main()
