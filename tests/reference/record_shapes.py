"""Records what onnxruntime computes for the shape of every value of a model.

Each model runs twice, with inputs of different extents and without graph optimisation; every
intermediate value is made an output. Small integer tensors are kept with their contents, since
inference claims to know many of them. Values whose extents are random (the rows that a mask
selects) differ between the runs like everything else, so the reader binds them from the shapes.

Usage: record_shapes.py MODELS_FOLDER OUTPUT.json
Needs: onnx, onnxruntime, numpy (versions are written into the file).
"""

import json
import pathlib
import sys

import numpy
import onnx
import onnxruntime

MAX_KNOWN = 16


def piper(count):
    return {
        "input": (numpy.arange(count, dtype=numpy.int64)[None, :] * 7) % 120 + 3,
        "input_lengths": numpy.array([count], numpy.int64),
        "scales": numpy.array([0.667, 1.0, 0.8], numpy.float32),
    }


def silero_sequence(count):
    return {
        "input": numpy.linspace(-0.5, 0.5, count * 576, dtype=numpy.float32).reshape(count, 576),
        "h": numpy.zeros((1, 1, 128), numpy.float32),
        "c": numpy.zeros((1, 1, 128), numpy.float32),
    }


MODELS = {
    "en_US-joe-medium.onnx": [piper(11), piper(26)],
    "silero_vad_16k_sequence.onnx": [silero_sequence(3), silero_sequence(8)],
}


def run(path, cases):
    model = onnx.load(path)
    names = [name for node in model.graph.node for name in node.output if name]
    graph_outputs = {output.name for output in model.graph.output}
    for name in names:
        if name not in graph_outputs:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results = [dict(zip(names, session.run(names, case))) for case in cases]
    values = {}
    for name in names:
        entry = {"shapes": [list(result[name].shape) for result in results]}
        if results[0][name].dtype == numpy.int64 and all(r[name].size <= MAX_KNOWN for r in results):
            entry["contents"] = [result[name].flatten().tolist() for result in results]
        values[name] = entry
    inputs = [{name: list(value.shape) for name, value in case.items()} for case in cases]
    return {"inputs": inputs, "values": values}


def main():
    folder, output = map(pathlib.Path, sys.argv[1:])
    record = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "models": {}}
    for name, cases in MODELS.items():
        record["models"][name] = run(folder / name, cases)
    # One value per line keeps the file short and its differences readable.
    text = json.dumps(record, separators=(",", ":")).replace('},"', '},\n"')
    output.write_text(text + "\n")


main()
