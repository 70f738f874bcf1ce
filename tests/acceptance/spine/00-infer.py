#!/usr/bin/env python3
"""`tenwatt infer` on ONNX graphs: the outputs of onnxruntime.

Small graphs of old opsets with recorded results, Silero's two files with onnxruntime beside them, a
transformer block made here at three lengths, and what a wrong request is answered.
"""
import subprocess
import tempfile
from pathlib import Path

from voice_checks import session  # first: finds the right Python

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from language_checks import PROGRAM, REFERENCES, Verdict, model, tenwatt

BOUND = 1e-5  # relative to 1 + |reference|


def infer(folder, onnx_file, inputs, *options):
    words = []
    for name, array in inputs.items():
        np.save(folder / f"{name}.npy", array)
        words += ["-i", f"{name}={folder}/{name}.npy"]
    printed = tenwatt("infer", onnx_file, *words, "-o", folder, "--precision", "exact", *options)
    names = [line.split()[0] for line in printed.decode().splitlines()]
    return {name: np.load(folder / (name.replace("/", "_") + ".npy")) for name in names}


def difference(ours, reference):
    if ours.shape != reference.shape or ours.dtype != reference.dtype:
        return np.inf
    error = np.abs(ours.astype(np.float64) - reference) / (1 + np.abs(reference))
    return float(np.max(error, initial=0))


def recorded(verdict, folder):
    place = REFERENCES / "older_opsets"
    worst, wrong, files = 0, [], sorted(place.glob("*.onnx"))
    for file in files:
        ours = infer(folder, file, {"x": np.load(place / f"{file.stem}.x.npy")})
        for name, array in ours.items():
            error = difference(array, np.load(place / f"{file.stem}.{name}.npy"))
            worst = max(worst, error)
            if error > BOUND:
                wrong.append(f"{file.stem} {name}")
    verdict.check(files and not wrong, f"{len(files)} graphs of old opsets: largest difference "
                  f"{worst:.3g} (limit {BOUND:g}) " + ", ".join(wrong))


def compare(verdict, folder, label, onnx_file, inputs, *options):
    reference = session(str(onnx_file))
    names = [output.name for output in reference.get_outputs()]
    wanted = dict(zip(names, reference.run(None, inputs), strict=True))
    ours = infer(folder, onnx_file, inputs, *options)
    verdict.check(set(ours) == set(names), f"{label}: outputs {', '.join(sorted(ours))}")
    for name in names:
        verdict.at_most(f"{label}: {name} {list(wanted[name].shape)}",
                        difference(ours.get(name, np.empty(0)), wanted[name]), BOUND)


def silero(verdict, folder):
    random = np.random.default_rng(3)
    state = random.standard_normal((1, 1, 128)).astype(np.float32) / 4
    for chunks in (1, 7):
        sound = random.uniform(-0.5, 0.5, (chunks, 576)).astype(np.float32)
        compare(verdict, folder, f"Silero, {chunks} chunks", model("silero_vad_16k_sequence.onnx"),
                {"input": sound, "h": state, "c": -state})
    # The other file has a graph per sampling rate, whose values differ in rank: a plan is of one.
    for rate, samples in ((16000, 576), (8000, 288)):
        path = folder / f"silero-{rate}.onnx"
        onnx.save(of_one_rate(onnx.load(model("silero_vad.onnx")), rate), path)
        sound = random.uniform(-0.5, 0.5, (1, samples)).astype(np.float32)
        compare(verdict, folder, f"Silero with branches, {rate} Hz", path,
                {"input": sound, "state": np.concatenate([state, -state])},
                "--shape", f"input=1,{samples}")


def of_one_rate(onnx_model, rate):
    """The sampling rate made a constant."""
    graph = onnx_model.graph
    given = next(i for i in graph.input if i.name == "sr")
    graph.input.remove(given)
    graph.initializer.append(numpy_helper.from_array(np.array(rate, np.int64), "sr"))
    return onnx_model


def transformer_block(path, width=64, heads=4):
    """Layer norm, attention over any number of rows, a feed-forward part; opset 17."""
    random = np.random.default_rng(7)
    nodes, weights = [], []

    def weight(name, *shape):
        values = (random.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def constant(name, values):
        weights.append(numpy_helper.from_array(np.array(values), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def linear(x, name, inputs, outputs):
        return node("Add", [node("MatMul", [x, weight(name + ".w", inputs, outputs)], name + ".m"),
                            weight(name + ".b", outputs)], name)

    def norm(x, name):
        return node("LayerNormalization", [x, weight(name + ".scale", width),
                                           weight(name + ".bias", width)], name, axis=-1)

    shape = constant("split", np.array([0, heads, width // heads], np.int64))
    joined = constant("joined", np.array([0, width], np.int64))
    normed = norm("x", "n1")
    q, k, v = (node("Transpose", [node("Reshape", [linear(normed, n, width, width), shape], n + ".r")],
                    n + ".t", perm=order)
               for n, order in (("q", [1, 0, 2]), ("k", [1, 2, 0]), ("v", [1, 0, 2])))
    scores = node("Mul", [node("MatMul", [q, k], "qk"),
                          constant("scale", np.float32((width // heads) ** -0.5))], "scores")
    mixed = node("MatMul", [node("Softmax", [scores], "p", axis=-1), v], "pv")
    merged = node("Reshape", [node("Transpose", [mixed], "pv.t", perm=[1, 0, 2]), joined], "merged")
    x = node("Add", ["x", linear(merged, "o", width, width)], "x1")
    up = linear(norm(x, "n2"), "up", width, 4 * width)
    half = node("Mul", [up, constant("half", np.float32(0.5))], "up.half")
    erf = node("Erf", [node("Div", [up, constant("root", np.float32(2 ** 0.5))], "up.d")], "up.e")
    gelu = node("Mul", [half, node("Add", [erf, constant("one", np.float32(1))], "up.1")], "gelu")
    node("Add", [x, linear(gelu, "down", 4 * width, width)], "y")
    graph = helper.make_graph(
        nodes, "block", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", width])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
              path)


def block(verdict, folder):
    path = folder / "block.onnx"
    transformer_block(path)
    for rows in (1, 5, 130):
        x = np.random.default_rng(rows).standard_normal((rows, 64)).astype(np.float32)
        compare(verdict, folder, f"transformer block, {rows} rows", path, {"x": x})


def refusals(verdict, folder):
    path = folder / "block.onnx"
    np.save(folder / "narrow.npy", np.zeros((3, 63), np.float32))
    np.save(folder / "x.npy", np.zeros((3, 64), np.float32))
    right = ["-i", f"x={folder}/x.npy"]
    for label, words in {"a missing input": [], "a wrong shape": ["-i", f"x={folder}/narrow.npy"],
                         "an unknown tap": [*right, "--tap", "nothing"],
                         "a tap of a constant": [*right, "--tap", "split"]}.items():
        run = subprocess.run([PROGRAM, "infer", path, *words], capture_output=True, text=True)
        verdict.check(run.returncode == 1 and run.stderr.startswith("error: "),
                      f"{label}: exit {run.returncode}, {run.stderr.strip().splitlines()[:1]}")


def main():
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorded(verdict, folder)
        silero(verdict, folder)
        block(verdict, folder)
        refusals(verdict, folder)
    verdict.leave()


main()
