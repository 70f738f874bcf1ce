#!/usr/bin/env python3
"""Line 6, second half: any tapped value is the reference's within its operator's bound.

Taps about fifty values of Piper's text encoder, flow and vocoder together with what their nodes
read. Every node is then computed alone by onnxruntime from our own tapped inputs, so nothing but
the one operator can differ; bounds are those of tests/unit/devices_cpu. Beside it, the distance to
onnxruntime's whole run, which gathers what all operators before have rounded.
"""
import tempfile
from pathlib import Path

from voice_checks import piper_cases, piper_inputs, snr, voice  # first: finds the right Python

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from language_checks import Verdict, tenwatt, tenwatt_json

CASE = 1
HOP = 256
LATENT = 192
PER_OPERATOR = 4
# |ours - reference| <= bound * (1 + |reference|); operators that are not named move or compare
# values, and must give the same ones.
ROUNDING, APPROXIMATION = 2e-5, 1e-4
BOUNDS = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Sqrt", "Softmax", "ReduceSum", "ReduceMean",
                     "CumSum", "MatMul", "Conv", "ConvTranspose", "LeakyRelu", "Pow"), ROUNDING),
    **dict.fromkeys(("Exp", "Erf", "Tanh", "Sigmoid", "Softplus"), APPROXIMATION),
}
WHOLE_RUN = 80  # dB, of every tapped value of floats


class OneNode:
    """A node with the names of what it reads and writes, to be computed alone."""

    def __init__(self, node, constants):
        self.node = node
        self.reads = [name for name in node.input if name and name not in constants]
        self.constants = [constants[name] for name in dict.fromkeys(node.input)
                          if name in constants]

    def compute(self, values):
        def described(name, array):
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            return helper.make_tensor_value_info(name, kind, array.shape)

        inputs = [described(name, values[name]) for name in dict.fromkeys(self.reads)]
        output = onnx.ValueInfoProto(name=self.node.output[0])
        graph = helper.make_graph([self.node], "one", inputs, [output], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(),
                                               providers=["CPUExecutionProvider"])
        return session.run([self.node.output[0]],
                           {name: values[name] for name in dict.fromkeys(self.reads)})[0]


def chosen(onnx_model, explained):
    """Nodes of the file that our graph still has, some of every operator, spread over the graph."""
    # Nodes without a device are arithmetic of shapes.
    ours = {node["name"]: node["op"] for graph in explained for node in graph["nodes"]
            if node["device"]}
    constants = {tensor.name: tensor for tensor in onnx_model.graph.initializer}
    made_here = {node.output[0] for node in onnx_model.graph.node
                 if ours.get(node.name) == node.op_type}
    known = made_here | {i.name for i in onnx_model.graph.input} | set(constants) | {""}
    by_operator = {}
    for node in onnx_model.graph.node:
        if node.output[0] in made_here and len(node.output) == 1 and known.issuperset(node.input):
            by_operator.setdefault(node.op_type, []).append(OneNode(node, constants))
    picked = []
    for nodes in by_operator.values():
        places = np.linspace(0, len(nodes) - 1, min(PER_OPERATOR, len(nodes))).astype(int)
        picked += [nodes[place] for place in places]
    return picked


def file_name(value):
    return value.replace("/", "_") + ".npy"


def tapped(folder, onnx_file, inputs, names, *options):
    """Our values of the names, from one run."""
    words = []
    for name, array in inputs.items():
        np.save(folder / f"{name}.npy", array)
        words += ["-i", f"{name}={folder}/{name}.npy"]
    for name in names:
        words += ["--tap", name]
    tenwatt("infer", onnx_file, *words, "-o", folder / "out", "--precision", "exact", *options)
    return {name: np.load(folder / "out" / file_name(name)) for name in [*names, "output"]}


def reference_values(onnx_model, inputs, names):
    """onnxruntime's values of the names in a whole run of the file, without optimisation."""
    widened = onnx.ModelProto()
    widened.CopyFrom(onnx_model)
    present = {output.name for output in widened.graph.output}
    widened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names
                                if name not in present)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(widened.SerializeToString(), options,
                                           ["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, inputs), strict=True))


def difference(ours, reference):
    """The largest, relative to 1 + |reference|; infinite where type, shape or NaNs differ."""
    if ours.shape != reference.shape or ours.dtype != reference.dtype:
        return np.inf
    if ours.dtype != np.float32:
        return 0 if np.array_equal(ours, reference) else np.inf
    x, y = ours.astype(np.float64), reference.astype(np.float64)
    if not np.array_equal(np.isnan(x), np.isnan(y)):
        return np.inf
    with np.errstate(invalid="ignore"):
        error = np.where((x == y) | np.isnan(x), 0, np.abs(x - y) / (1 + np.abs(y)))
    return float(error.max(initial=0))


def conv_graph(path):
    """Two convolutions of a fixed size, which simnpu takes whole."""
    random = np.random.default_rng(1)
    weights = [numpy_helper.from_array((random.standard_normal((4, 4, 3)) / 4).astype(np.float32), w)
               for w in ("w1", "w2")]
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], name="a", pads=[1, 1]),
             helper.make_node("LeakyRelu", ["a"], ["b"], name="b", alpha=0.1),
             helper.make_node("Conv", ["b", "w2"], ["c"], name="c", pads=[2, 2], dilations=[2]),
             helper.make_node("Tanh", ["c"], ["output"], name="y")]
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 32])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, 32])
    graph = helper.make_graph(nodes, "convolutions", [shape], [output], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8),
              path)


def taps_on_simnpu(verdict, folder):
    path = folder / "convolutions.onnx"
    conv_graph(path)
    x = {"x": np.random.default_rng(2).standard_normal((1, 4, 32)).astype(np.float32)}
    cpu = tapped(folder, path, x, ["a", "b", "c"], "--device", "cpu")
    npu = tapped(folder, path, x, ["a", "b", "c"], "--device", "simnpu,cpu")
    same = [name for name in cpu if cpu[name].tobytes() == npu[name].tobytes()]
    verdict.check(len(same) == 4, f"taps on simnpu: {len(same)} of 4 values have the CPU's bits")


def main():
    onnx_file = voice()
    onnx_model = onnx.load(onnx_file)
    case = piper_cases()[CASE]
    inputs = piper_inputs(case["ids"])
    nodes = chosen(onnx_model, tenwatt_json("explain", onnx_file, "--nodes", "--precision", "exact"))
    outputs = [one.node.output[0] for one in nodes]
    read = [name for one in nodes for name in one.reads if name not in inputs]
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as name:
        # Noise is an input of ours; its scale of 0 makes it nothing.
        noise = {"noise_0": np.zeros((1, 2, len(case["ids"])), np.float32),
                 "noise_1": np.zeros((1, LATENT, case["samples"] // HOP), np.float32)}
        names = list(dict.fromkeys(outputs + read))
        values = {**inputs, **tapped(Path(name), onnx_file, {**inputs, **noise}, names)}
        plain = tapped(Path(name), onnx_file, {**inputs, **noise}, [])
        taps_on_simnpu(verdict, Path(name))
    verdict.check(plain["output"].tobytes() == values["output"].tobytes(),
                  f"{len(names)} taps leave the sound's bits as they are")
    worst = {}
    for one in nodes:
        output = one.node.output[0]
        bound = BOUNDS.get(one.node.op_type, 0)
        error = difference(values[output], one.compute(values))
        _, count, failed = worst.get(one.node.op_type, (0, 0, []))
        if error > bound:
            failed = [*failed, f"{output} by {error:.3g}"]
        worst[one.node.op_type] = (max(error, worst.get(one.node.op_type, (0,))[0]), count + 1,
                                   failed)
    for operator, (error, count, failed) in worst.items():
        verdict.check(not failed, f"{operator}: {count} values, largest difference {error:.3g} "
                      f"(bound {BOUNDS.get(operator, 0):g}) " + ", ".join(failed))
    reference = reference_values(onnx_model, inputs, outputs)
    floats = [name for name in outputs if reference[name].dtype == np.float32]
    distances = {name: snr(values[name], reference[name])
                 if values[name].shape == reference[name].shape else -np.inf for name in floats}
    lowest = min(distances, key=distances.get)
    verdict.check(distances[lowest] >= WHOLE_RUN,
                  f"{len(outputs)} values against a whole run of onnxruntime: lowest SNR "
                  f"{distances[lowest]:.1f} dB at {lowest} (at least {WHOLE_RUN})")
    verdict.leave()


main()
