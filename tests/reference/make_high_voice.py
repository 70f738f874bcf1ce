#!/usr/bin/env python3
"""Makes a Piper voice of quality `high` with random weights, from a medium one.

    python make_high_voice.py en_US-joe-medium.onnx FOLDER    writes FOLDER/random-high.onnx(.json)

The text encoder, the durations and the flow stay; the vocoder is replaced by the larger one of
`high` voices: HiFi-GAN V1 (Kong et al. 2020, https://arxiv.org/abs/2010.05646, table 5 of the
appendix) on 192 latent channels. Weights come from a fixed seed and are scaled so that the sound is
neither silent nor clipped. It speaks noise; what it is for is that every number can be compared.
"""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

CHANNELS = [512, 256, 128, 64, 32]
UPSAMPLING = [(8, 16), (8, 16), (2, 4), (2, 4)]  # stride, kernel
KERNELS = [3, 7, 11]
DILATIONS = [1, 3, 5]
SLOPE = 0.1
LAST_SLOPE = 0.01


class Builder:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes = []
        self.weights = []

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def normal(self, name, shape, inputs, gain):
        values = self.random.standard_normal(shape) * gain / np.sqrt(inputs)
        return self.constant(name, values.astype(np.float32))

    def node(self, op, name, inputs, **attributes):
        output = name + "_output_0"
        self.nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def conv(self, name, x, channels_in, channels_out, kernel, dilation=1, gain=1.0, bias=True):
        prefix = name.strip("/").replace("/", ".")
        inputs = [x, self.normal(prefix + ".weight", (channels_out, channels_in, kernel),
                                 channels_in * kernel, gain)]
        if bias:
            inputs.append(self.normal(prefix + ".bias", (channels_out,), 1, 0.01))
        pad = dilation * (kernel - 1) // 2
        return self.node("Conv", name + "/Conv", inputs, dilations=[dilation], group=1,
                         kernel_shape=[kernel], pads=[pad, pad], strides=[1])

    def upsample(self, name, x, channels_in, channels_out, stride, kernel):
        prefix = name.strip("/").replace("/", ".")
        # Each output sample sums kernel / stride taps of every input channel.
        weight = self.normal(prefix + ".weight", (channels_in, channels_out, kernel),
                             channels_in * kernel / stride, 1.2)
        bias = self.normal(prefix + ".bias", (channels_out,), 1, 0.01)
        pad = (kernel - stride) // 2
        return self.node("ConvTranspose", name + "/ConvTranspose", [x, weight, bias],
                         dilations=[1], group=1, kernel_shape=[kernel], pads=[pad, pad],
                         strides=[stride])

    def residual_block(self, name, x, channels, kernel):
        for i, dilation in enumerate(DILATIONS):
            y = self.node("LeakyRelu", f"{name}/LeakyRelu_{2 * i}", [x], alpha=SLOPE)
            y = self.conv(f"{name}/convs1.{i}", y, channels, channels, kernel, dilation)
            y = self.node("LeakyRelu", f"{name}/LeakyRelu_{2 * i + 1}", [y], alpha=SLOPE)
            y = self.conv(f"{name}/convs2.{i}", y, channels, channels, kernel, gain=0.5)
            x = self.node("Add", f"{name}/Add_{i}", [y, x])
        return x


def vocoder(latent, channels, output, seed=20240229):
    """Nodes and weights from the latent [1, channels, frames] to samples [1, 1, 256 * frames]."""
    b = Builder(seed)
    count = b.constant("dec.blocks", np.array(len(KERNELS), np.float32))
    x = b.conv("/dec/conv_pre", latent, channels, CHANNELS[0], 7)
    for i, (stride, kernel) in enumerate(UPSAMPLING):
        x = b.node("LeakyRelu", f"/dec/LeakyRelu_{i}", [x], alpha=SLOPE)
        x = b.upsample(f"/dec/ups.{i}", x, CHANNELS[i], CHANNELS[i + 1], stride, kernel)
        blocks = [b.residual_block(f"/dec/resblocks.{len(KERNELS) * i + j}", x, CHANNELS[i + 1], k)
                  for j, k in enumerate(KERNELS)]
        total = b.node("Add", f"/dec/Add_{2 * i}", blocks[:2])
        total = b.node("Add", f"/dec/Add_{2 * i + 1}", [total, blocks[2]])
        x = b.node("Div", f"/dec/Div_{i}", [total, count])
    x = b.node("LeakyRelu", f"/dec/LeakyRelu_{len(UPSAMPLING)}", [x], alpha=LAST_SLOPE)
    x = b.conv("/dec/conv_post", x, CHANNELS[-1], 1, 7, gain=0.1, bias=False)
    b.nodes.append(helper.make_node("Tanh", [x], [output], name="/dec/Tanh"))
    return b.nodes, b.weights


def replace_vocoder(model):
    graph = model.graph
    shapes = {i.name: list(i.dims) for i in graph.initializer}
    first = next(n for n in graph.node if n.op_type == "Conv" and shapes[n.input[1]][2] == 7 and
                 n.input[1].endswith("conv_pre.weight"))
    last = next(n for n in graph.node if n.op_type == "Tanh" and n.name.startswith("/dec/"))
    start, stop = list(graph.node).index(first), list(graph.node).index(last)
    # Exported graphs are in topological order with the vocoder last, in one piece.
    old, tail = graph.node[start:stop + 1], graph.node[stop + 1:]
    nodes, weights = vocoder(first.input[0], shapes[first.input[1]][1], last.output[0])
    kept = list(graph.node[:start]) + nodes + list(tail)
    used = {name for node in kept for name in node.input} - {w.name for w in weights}
    initializers = [i for i in graph.initializer if i.name in used] + weights
    assert len(old) == 67, "this is not a medium voice"
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(kept)
    graph.initializer.extend(initializers)


def make(source, folder):
    model = onnx.load(source)
    replace_vocoder(model)
    onnx.checker.check_model(model)
    path = Path(folder) / "random-high.onnx"
    onnx.save(model, path)
    config = json.loads(Path(str(source) + ".json").read_text(encoding="utf-8"))
    config["audio"]["quality"] = "high"
    Path(str(path) + ".json").write_text(json.dumps(config), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(make(sys.argv[1], sys.argv[2]))
