#!/usr/bin/env python3
"""Records one-operator models of older opsets and nested graphs with onnxruntime's results.

For each case tests/reference/data/older_opsets gets <case>.onnx, <case>.x.npy (its input) and
<case>.y<i>.npy (its outputs).

    python3 tests/reference/record_older_opsets.py     # needs the packages onnx and onnxruntime
"""

import pathlib

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

F = TensorProto.FLOAT


def one(op, outputs=1, **attributes):
    """A list of nodes that applies one operator to x."""
    return [helper.make_node(op, ["x"], [f"y{i}" for i in range(outputs)], **attributes)]


def branch(name, nodes, output):
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, F, None)])


def nested_if():
    """Both branches read x; the inner If reads it through the outer one, with a constant."""
    limit = helper.make_node(
        "Constant", [], ["limit"], value=helper.make_tensor("l", F, [1], [0.25])
    )
    inner_then = branch("inner_then", [helper.make_node("Mul", ["x", "limit"], ["a"])], "a")
    inner_else = branch("inner_else", [helper.make_node("Neg", ["doubled"], ["b"])], "b")
    doubled = helper.make_node("Add", ["x", "x"], ["doubled"])
    inner = helper.make_node(
        "If", ["never"], ["c"], then_branch=inner_then, else_branch=inner_else
    )
    never = helper.make_node("Not", ["always"], ["never"])
    outer_then = branch("outer_then", [doubled, never, inner], "c")
    outer_else = branch("outer_else", [helper.make_node("Identity", ["x"], ["d"])], "d")
    total = helper.make_node("Equal", ["limit", "limit"], ["one"])
    always = helper.make_node("Squeeze", ["one", "zero"], ["always"])
    zero = helper.make_node(
        "Constant", [], ["zero"], value=helper.make_tensor("z", TensorProto.INT64, [1], [0])
    )
    outer = helper.make_node(
        "If", ["always"], ["y0"], then_branch=outer_then, else_branch=outer_else
    )
    return [limit, zero, total, always, outer]


# case: (opset, nodes, shape of x)
CASES = {
    "softmax_axis1": (11, one("Softmax"), [2, 3, 4]),
    "softmax_axis2": (11, one("Softmax", axis=2), [2, 3, 4]),
    "softmax_last": (12, one("Softmax", axis=-1), [2, 3, 4]),
    "softmax_axis0": (11, one("Softmax", axis=0), [2, 3]),
    "slice_attributes": (9, one("Slice", starts=[1, 0], ends=[3, -1], axes=[1, 2]), [2, 4, 5]),
    "pad_attributes": (10, one("Pad", pads=[0, 1, 2, 0], value=1.5), [2, 3]),
    "pad_reflect": (10, one("Pad", pads=[0, 2, 0, 1], mode="reflect"), [2, 4]),
    "clip_attributes": (10, one("Clip", min=-0.5, max=0.25), [3, 4]),
    "clip_one_side": (10, one("Clip", max=0.25), [3, 4]),
    "squeeze_axes": (11, one("Squeeze", axes=[0, 2]), [1, 3, 1, 2]),
    "squeeze_all": (11, one("Squeeze"), [1, 3, 1, 2]),
    "unsqueeze_axes": (11, one("Unsqueeze", axes=[0, 3]), [2, 3]),
    "reduce_sum_axes": (11, one("ReduceSum", axes=[1], keepdims=0), [2, 3, 4]),
    "reduce_mean_axes": (13, one("ReduceMean", axes=[-1]), [2, 3, 4]),
    "reduce_max_all": (12, one("ReduceMax"), [2, 3]),
    "split_sizes": (11, one("Split", 2, split=[1, 3], axis=1), [2, 4]),
    "split_equal": (13, one("Split", 3, axis=0), [6, 2]),
    "nested_if": (16, nested_if(), [2, 2]),
}


def main():
    folder = pathlib.Path(__file__).parent / "data" / "older_opsets"
    folder.mkdir(parents=True, exist_ok=True)
    for case, (opset, nodes, shape) in CASES.items():
        names = [name for name in nodes[-1].output]
        graph = helper.make_graph(
            nodes,
            case,
            [helper.make_tensor_value_info("x", F, shape)],
            [helper.make_tensor_value_info(name, F, None) for name in names],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="t"
        )
        x = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (folder / f"{case}.onnx").write_bytes(model.SerializeToString())
        np.save(folder / f"{case}.x.npy", x)
        for name, y in zip(names, session.run(None, {"x": x})):
            np.save(folder / f"{case}.{name}.npy", y)


if __name__ == "__main__":
    main()
