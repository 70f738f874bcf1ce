#!/usr/bin/env python3
"""Records what onnxruntime computes for options of ONNX operators that ONNX's own node cases leave
out, as data/operators.json.

    pip install numpy onnx==1.22.0 onnxruntime==1.32.0
    python record_operators.py
"""

import json
import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

RNG = np.random.default_rng(7)
FORMATS = {
    "float32": "f32",
    "float64": "f64",
    "float16": "f16",
    "int8": "i8",
    "uint8": "u8",
    "int32": "i32",
    "int64": "i64",
    "bool": "bool",
}
CASES = []


def normal(*shape):
    return RNG.standard_normal(shape).round(2).astype(np.float32)


def i64(*values):
    return np.array(values, np.int64)


def tensor(values):
    if values is None:
        return None
    return {
        "format": FORMATS[str(values.dtype)],
        "shape": list(values.shape),
        "bytes": values.tobytes().hex(),
    }


def run(op, inputs, attributes, outputs, opset):
    names = ["" if value is None else f"i{n}" for n, value in enumerate(inputs)]
    results = [f"o{n}" for n in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    feeds = {name: value for name, value in zip(names, inputs) if value is not None}
    infos = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in feeds.items()
    ]
    # onnxruntime infers the types of outputs that say nothing.
    outs = [helper.make_empty_tensor_value_info(name) for name in results]
    graph = helper.make_graph([node], "one", infos, outs)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    return session.run(None, feeds)


def record(op, inputs, attributes=None, outputs=1, opset=21):
    attributes = attributes or {}
    inputs = [None if value is None else np.asarray(value) for value in inputs]
    results = run(op, inputs, attributes, outputs, opset)
    CASES.append(
        {
            "op": op,
            "attributes": attributes,
            "inputs": [tensor(value) for value in inputs],
            "outputs": [tensor(value) for value in results],
        }
    )


def convolutions():
    record("Conv", [normal(2, 3, 9), normal(4, 3, 3), normal(4)], {"pads": [2, 1]})
    record("Conv", [normal(1, 4, 9), normal(6, 2, 3)], {"group": 2, "dilations": [2]})
    record("Conv", [normal(1, 3, 11), normal(3, 1, 4)], {"group": 3, "strides": [3]})
    record("Conv", [normal(1, 2, 5, 6), normal(3, 2, 3, 2)], {"pads": [1, 0, 2, 1]})
    record("Conv", [normal(1, 2, 4, 5, 6), normal(3, 2, 2, 3, 2)], {"strides": [1, 2, 2]})
    record("ConvTranspose", [normal(2, 3, 5), normal(3, 2, 4), normal(2)], {"strides": [3]})
    record(
        "ConvTranspose",
        [normal(1, 4, 5), normal(4, 3, 3)],
        {"group": 2, "strides": [2], "pads": [1, 1], "output_padding": [1]},
    )
    record("ConvTranspose", [normal(1, 2, 5), normal(2, 3, 3)], {"dilations": [2], "pads": [1, 0]})
    record(
        "ConvTranspose",
        [normal(1, 2, 3, 4), normal(2, 3, 3, 3)],
        {"strides": [2, 2], "output_shape": [6, 8]},
    )
    record(
        "ConvTranspose", [normal(1, 2, 3, 2, 3), normal(2, 2, 2, 3, 2)], {"strides": [1, 2, 2]}
    )
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        attributes = {"auto_pad": auto_pad, "strides": [2]}
        record("Conv", [normal(1, 1, 8), normal(1, 1, 3)], attributes)
        record("ConvTranspose", [normal(1, 1, 5), normal(1, 1, 3)], attributes)


def pads():
    x = normal(3, 4)
    for mode in ("constant", "edge", "reflect", "wrap"):
        for amounts in ((1, 2, 0, 1), (0, -1, 2, 0), (-1, 0, 0, -2)):
            record("Pad", [x, i64(*amounts)], {"mode": mode})
    record("Pad", [x, i64(1, 1), np.float32(2.5), i64(-1)])
    record("Pad", [RNG.integers(0, 9, (2, 2)).astype(np.int64), i64(0, 1, 1, 0)])
    record("Pad", [np.float32([1, 2]), i64(0, 3)], {"mode": "wrap"})


def lstm(attributes, directions=1, optional=(), steps=5, batch=2, size=3, hidden=4):
    gates, per_direction = 4 * hidden, (directions, batch, hidden)
    inputs = {
        "X": normal(steps, batch, size),
        "W": normal(directions, gates, size),
        "R": normal(directions, gates, hidden),
        "B": normal(directions, 2 * gates),
        "sequence_lens": np.array([steps, steps - 2], np.int32),
        "initial_h": normal(*per_direction),
        "initial_c": normal(*per_direction),
        "P": normal(directions, 3 * hidden),
    }
    kept = {"X", "W", "R", *optional}
    values = [value if name in kept else None for name, value in inputs.items()]
    while values[-1] is None:
        values.pop()
    record("LSTM", values, {"hidden_size": hidden, **attributes}, outputs=3)


def lstms():
    states = ("B", "initial_h", "initial_c")
    lstm({})
    lstm({"direction": "reverse"}, optional=states)
    lstm({"direction": "bidirectional"}, 2, (*states, "P"))
    lstm({"direction": "bidirectional"}, 2, ("sequence_lens", *states))
    lstm({"direction": "reverse"}, optional=("sequence_lens",))
    lstm({"clip": 0.4}, optional=("B",))
    lstm({"input_forget": 1}, optional=("P",))
    lstm({"activations": ["HardSigmoid", "Softsign", "Relu"]}, optional=states)
    lstm(
        {
            "activations": ["Sigmoid", "LeakyRelu", "Tanh"],
            "activation_alpha": [0.3],
        },
        optional=states,
    )


def quantisations():
    x = normal(2, 3, 4) * 100
    scale, zero = np.float32([0.5, 2, 7]), np.array([3, 0, 200], np.uint8)
    record("QuantizeLinear", [x, np.float32(1.5), np.uint8(128)])
    record("QuantizeLinear", [x, np.float32(0.5), np.int8(-3)])
    record("QuantizeLinear", [x, scale, zero], {"axis": 1})
    record("QuantizeLinear", [np.float32([0.5, 1.5, 2.5, -0.5]), np.float32(1), np.int8(0)])
    stored = RNG.integers(0, 255, (2, 3, 4)).astype(np.uint8)
    record("DequantizeLinear", [stored, np.float32(0.25), np.uint8(7)])
    record("DequantizeLinear", [stored, scale, zero], {"axis": 1})
    record("DequantizeLinear", [stored.astype(np.int32), np.float32(0.25)])
    blocks = np.abs(normal(2, 3, 2)) + 0.1
    record("DequantizeLinear", [stored, blocks], {"axis": 2, "block_size": 2})
    record("QuantizeLinear", [x, blocks, np.zeros((2, 3, 2), np.int8)], {"axis": 2, "block_size": 2})


def indices():
    x = normal(4, 5)
    bounds = (((3, -1), (-9, -6)), ((-2, 0), (9, 9)), ((9, 1), (0, 4)))
    for starts, ends in bounds:
        record("Slice", [x, i64(*starts), i64(*ends), i64(0, 1), i64(-2, 1)])
    record("Slice", [x, i64(0), i64(2**62), i64(-1), i64(3)])
    rows = i64(0, 2, 1).reshape(3, 1)
    for reduction in ("none", "add", "mul", "max", "min"):
        record("ScatterND", [x, rows, normal(3, 5)], {"reduction": reduction})
    record("ScatterND", [x, i64(0, 0, 0, 0).reshape(2, 2), normal(2)], {"reduction": "add"})
    record("GatherND", [normal(2, 3, 4), i64(1, -1).reshape(2, 1)], {"batch_dims": 1})
    record("GatherND", [normal(2, 3, 4), i64(1, -1, 0, 2).reshape(2, 2)])
    record("Gather", [x, i64(-1, 0, 3).reshape(1, 3)], {"axis": 0})
    record("Gather", [x.astype(np.float16), np.array(-2, np.int32)], {"axis": 1})
    record("GatherElements", [x, i64(0, -1, 2, 3, 4, -5).reshape(2, 3)], {"axis": 1})
    record("NonZero", [np.array([[0, 3, 0], [1, 0, -2]], np.int32)])
    record("NonZero", [np.array([[True, False], [True, True]])])
    record("Split", [normal(7, 2)], {"num_outputs": 3}, outputs=3)
    record("Split", [normal(7, 2), i64(2, 0, 5)], {"axis": 0}, outputs=3)


def sums():
    x = normal(2, 3, 4)
    integers = RNG.integers(-9, 9, (2, 3, 4)).astype(np.int32)
    for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd"):
        record(op, [x, i64(0, -1)], {"keepdims": 0})
        record(op, [integers, i64(1)])
        record(op, [x], {"noop_with_empty_axes": 1})
        record(op, [x.astype(np.float64)])
    for exclusive in (0, 1):
        for reverse in (0, 1):
            attributes = {"exclusive": exclusive, "reverse": reverse}
            record("CumSum", [integers, np.array(1, np.int32)], attributes)
    record("CumSum", [x, np.array(-1, np.int64)])


def arithmetic():
    a, b = normal(2, 1, 4), normal(3, 1)
    for op in ("Add", "Sub", "Mul", "Div", "Less", "GreaterOrEqual", "Equal"):
        record(op, [a, b])
    integers = np.array([-7, 7, -8, 9], np.int32), np.array([2, -2, 3, 4], np.int32)
    for op in ("Add", "Sub", "Mul", "Div", "Greater", "LessOrEqual"):
        record(op, list(integers))
    record("Add", [np.array([2**63 - 1], np.int64), i64(1)])
    record("Pow", [np.array([2, -3, 5], np.int32), np.array([3, 3, 0], np.int32)])
    record("Pow", [np.float32([2, 9, 0.25]), i64(3, 0, -2)])
    record("Pow", [np.float32([4, 9, 0.25]), np.float32(0.5)])
    record("Max", [a, b, np.float32(0.2)])
    record("Min", [*integers])
    record("Clip", [a, np.float32(-0.3), np.float32(0.4)])
    record("Clip", [a, None, np.float32(0.1)])
    record("Clip", [np.array([-5, 3, 9], np.int64), i64(-1).reshape(()), i64(4).reshape(())])
    record("Where", [np.array([[True], [False]]), a[0], i64(3).astype(np.float32)])
    record("MatMul", [normal(2, 1, 3, 4), normal(5, 4, 2)])
    record("MatMul", [normal(4), normal(5, 4, 2)])
    record("MatMul", [normal(3, 4), normal(4)])
    record("MatMul", [RNG.integers(-9, 9, (2, 3)).astype(np.int32), np.eye(3, dtype=np.int32)])
    record("Gemm", [normal(4, 2), normal(3, 4), normal(3)], {"transA": 1, "transB": 1, "alpha": 0.5})
    record("Gemm", [normal(2, 4), normal(4, 3), normal(2, 1)], {"beta": 2.0})


def functions():
    x = np.float32([-90, -3, -0.5, -0.0, 0, 0.5, 2, 90])
    for op in ("Abs", "Ceil", "Erf", "Exp", "Floor", "LeakyRelu", "Neg", "Relu", "Round", "Sigmoid"):
        record(op, [x])
    for op in ("Softplus", "Tanh", "Sin", "Cos", "Softmax"):
        record(op, [x])
    for op in ("Log", "Sqrt", "Reciprocal"):
        record(op, [np.abs(x[:3])])
    record("Softmax", [normal(2, 3, 4)], {"axis": 1})
    record("Gelu", [x], {"approximate": "tanh"})
    record("Gelu", [x], {"approximate": "none"})
    scaled = [normal(2, 3, 4), normal(3, 4), normal(3, 4)]
    record("LayerNormalization", scaled, {"axis": 1, "epsilon": 0.1})
    record("LayerNormalization", [normal(2, 3, 4), normal(4)], {"axis": -1}, outputs=2)
    for to in (TensorProto.INT32, TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.DOUBLE):
        record("Cast", [np.float32([-2.7, 0, 0.3, 1.9, 1000.4])], {"to": to})
    record("Cast", [np.array([-1, 0, 300], np.int64)], {"to": TensorProto.UINT8})
    record("Range", [np.float32(1.5), np.float32(-2), np.float32(-0.75)])
    record("Expand", [normal(3, 1), i64(2, 1, 4)])
    record("Tile", [normal(2, 3), i64(2, 3)])


def main():
    for group in (convolutions, pads, lstms, quantisations, indices, sums, arithmetic, functions):
        group()
    path = pathlib.Path(__file__).parent / "data" / "operators.json"
    lines = ",\n".join(json.dumps(case) for case in CASES)
    path.write_text(f'{{"onnxruntime": "{onnxruntime.__version__}", "cases": [\n{lines}\n]}}\n')
    print(len(CASES), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
