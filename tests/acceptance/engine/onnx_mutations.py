"""Seeded mutations of ONNX's node cases, and what onnxruntime computes for them.

Attempt number i of a seed is always the same graph with the same inputs: an operator is drawn, then
a case that uses it, then one or two mutations of its shapes, element types, attributes, optional
inputs, values, constants or opset. Run as a program (onnx_mutations.py NODE LIST FOLDER FIRST LAST)
this computes the attempts FIRST..LAST-1 with onnxruntime, since a graph can take the whole process
down: one line of JSON for each attempt, and a folder with model, inputs and outputs for those that
one of both sides can be asked about.
"""
import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

SEED = 20
NEWEST = 26
TYPES = [np.float32, np.float32, np.float16, np.float64, np.int64, np.int32, np.uint8, np.int8,
         np.bool_, np.int16, np.uint32, np.uint64, np.uint16]
TEXTS = {"auto_pad": ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"],
         "mode": ["constant", "reflect", "edge", "wrap"],
         "direction": ["forward", "reverse", "bidirectional"],
         "reduction": ["none", "add", "mul", "max", "min"], "approximate": ["none", "tanh"]}


def listed(path):
    """{operator: cases of the tags core and common}; a case stands under each of its operators."""
    kinds = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["tag"] not in ("core", "common"):
                continue
            for kind in row["kinds"].replace(",", " ").split():
                kinds.setdefault(kind, []).append(row["case"])
    return kinds


def nodes_of(graph):
    """All nodes, those of branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


class Case:
    """A graph and its inputs while they are being changed."""

    def __init__(self, folder, random):
        self.random = random
        self.model = onnx.load(folder / "model.onnx")
        self.graph = self.model.graph
        self.inputs = []
        for i, value in enumerate(self.graph.input):
            tensor = onnx.TensorProto()
            tensor.ParseFromString((folder / f"test_data_set_0/input_{i}.pb").read_bytes())
            self.inputs.append([value.name, numpy_helper.to_array(tensor)])
        self.constants = []
        self.done = []

    @property
    def opset(self):
        return next(o for o in self.model.opset_import if o.domain in ("", "ai.onnx"))

    def pick(self, items):
        items = list(items)
        return items[self.random.integers(len(items))]

    def schema(self, node):
        return onnx.defs.get_schema(node.op_type, min(self.opset.version, 25), "")

    # Mutations. Each returns what it did, or None where there was nothing to do.

    def extent(self):
        """Another extent, mostly wherever the same extent stands."""
        shaped = [(i, a) for i, (_, x) in enumerate(self.inputs) for a in range(x.ndim)]
        if not shaped:
            return None
        which, axis = self.pick(shaped)
        old = self.inputs[which][1].shape[axis]
        new = int(self.pick([0, 1, 2, 3, 5, old + 1, max(old - 1, 0), 2 * old, 17]))
        everywhere = self.random.random() < 0.75
        for i, (_, x) in enumerate(self.inputs):
            shape = list(x.shape)
            for a, extent in enumerate(shape):
                if (i, a) == (which, axis) or (everywhere and extent == old):
                    shape[a] = new
            self.reshape(i, shape)
        return f"extent {old} to {new}" + ("" if everywhere else f" of input {which} axis {axis}")

    def rank(self):
        """One axis more or fewer, of one input or of all that have as many."""
        which = self.pick(range(len(self.inputs)))
        rank = self.inputs[which][1].ndim
        together = self.random.random() < 0.6
        change = self.pick(["lead 1", "lead 2", "drop first", "trail 1", "scalar"])
        for i, (_, x) in enumerate(self.inputs):
            if i != which and not (together and x.ndim == rank):
                continue
            shape = {"lead 1": [1, *x.shape], "lead 2": [2, *x.shape], "drop first": x.shape[1:],
                     "trail 1": [*x.shape, 1], "scalar": []}[change]
            self.reshape(i, list(shape))
        return f"rank: {change} of input {which}" + (" and its like" if together else "")

    def reshape(self, i, shape):
        x = self.inputs[i][1]
        if list(x.shape) != shape:
            source = x if x.size else np.zeros(1, x.dtype)
            self.inputs[i][1] = np.resize(source, shape).astype(x.dtype)

    def element_type(self):
        """Another element type, of all inputs that have it or of one."""
        present = sorted({x.dtype.name for _, x in self.inputs})
        old = self.pick(present)
        new = np.dtype(self.pick(TYPES))
        alone = self.pick(range(len(self.inputs))) if self.random.random() < 0.1 else None
        if old == new.name:
            return None
        for i, (_, x) in enumerate(self.inputs):
            if x.dtype.name == old and alone in (None, i):
                self.inputs[i][1] = converted(x, new)
        for node in nodes_of(self.graph):
            for attribute in node.attribute:
                if attribute.name in ("to", "dtype") and attribute.type == 2:
                    if attribute.i == helper.np_dtype_to_tensor_dtype(np.dtype(old)):
                        attribute.i = helper.np_dtype_to_tensor_dtype(new)
        return f"{old} to {new.name}" + ("" if alone is None else f" of input {alone}")

    def attribute(self):
        """An attribute left out, or given an unusual value."""
        node = self.pick(nodes_of(self.graph))
        names = [n for n, a in self.schema(node).attributes.items() if a.type.value not in (5, 10)]
        if node.op_type == "Constant":  # exactly one attribute is its value
            names = [a.name for a in node.attribute if a.name in names]
        if not names:
            return None
        name = self.pick(names)
        kind = self.schema(node).attributes[name].type.value
        present = {a.name: a for a in node.attribute}
        if name in present and node.op_type != "Constant" and self.random.random() < 0.25:
            node.attribute.remove(present[name])
            return f"{node.op_type} without {name}"
        old = helper.get_attribute_value(present[name]) if name in present else None
        new = self.other(name, kind, old)
        if new is None:
            return None
        if name in present:
            node.attribute.remove(present[name])
        node.attribute.append(helper.make_attribute(name, new))
        return f"{node.op_type} {name}={new}"

    def other(self, name, kind, old):
        if kind == onnx.AttributeProto.INT:
            if name in ("to", "dtype", "output_dtype"):
                return helper.np_dtype_to_tensor_dtype(np.dtype(self.pick(TYPES)))
            return int(self.pick([-4, -3, -2, -1, 0, 1, 2, 3, (old or 0) + 1, (old or 0) - 1]))
        if kind == onnx.AttributeProto.FLOAT:
            return float(self.pick([-2, -1, -0.5, 0, 1e-3, 0.5, 1, 2, 6]))
        if kind == onnx.AttributeProto.STRING:
            return self.pick(TEXTS[name]) if name in TEXTS else None
        if kind == onnx.AttributeProto.INTS:
            new = list(old or self.pick([[1, 1], [2, 2], [1], [0, 1], [1, 1, 1, 1]]))
            at = self.random.integers(len(new))
            change = self.pick(["set", "set", "set", "reverse", "drop", "add"])
            if change == "set":
                new[at] = int(self.pick([-2, -1, 0, 1, 2, 3, new[at] + 1]))
            elif change == "reverse":
                new.reverse()
            elif change == "drop":
                new.pop(at)
            else:
                new.append(int(self.pick([0, 1, 2])))
            return new or None
        return None

    def optional_input(self):
        """An input that the node can do without, gone."""
        nodes = [n for n in nodes_of(self.graph) if len(n.input) > 1]
        if not nodes:
            return None
        node = self.pick(nodes)
        which = int(self.random.integers(1, len(node.input)))
        gone = node.input[which]
        node.input[which] = ""
        while node.input and not node.input[-1]:
            node.input.pop()
        used = {name for n in nodes_of(self.graph) for name in n.input}
        for value in list(self.graph.input):
            if value.name == gone and gone not in used:
                self.graph.input.remove(value)
                self.inputs = [pair for pair in self.inputs if pair[0] != gone]
        return f"{node.op_type} without input {which}" if gone else None

    def other_opset(self):
        old = self.opset.version
        self.opset.version = int(self.random.integers(7, NEWEST + 1))
        return f"opset {old} to {self.opset.version}"

    def values(self):
        """Other numbers of the kinds that are easily got wrong."""
        name, x = pair = self.pick(self.inputs)
        if not x.size:
            return None
        if x.dtype.kind == "f":
            odd = [0.0, -0.0, 1e-6, -1e4, 3.5, -2.5, 0.5]
            # Whether padding multiplies and how gates saturate is each program's own business.
            if not {"Conv", "ConvTranspose", "LSTM"} & set(operators(self.model)):
                odd += [np.inf, -np.inf, np.nan]
            odd = np.array(odd)
        elif x.dtype.kind == "b":
            odd = np.array([False, True])
        else:
            odd = np.array([0, 1, 2, 3, -1, -2, -3, 7])
        flat = x.flatten()
        at = self.random.integers(0, x.size, size=int(self.random.integers(1, min(x.size, 4) + 1)))
        with np.errstate(all="ignore"):
            flat[at] = odd[self.random.integers(0, len(odd), size=len(at))].astype(x.dtype)
        pair[1] = flat.reshape(x.shape)
        return f"odd values in {name}"

    def constant(self):
        """An input that is known before the run."""
        index = int(self.random.integers(len(self.inputs)))
        name, x = self.inputs.pop(index)
        self.constants.append((name, x))
        self.graph.input.remove(next(v for v in self.graph.input if v.name == name))
        return f"{name} constant"

    def mutate(self):
        kinds = [self.extent, self.extent, self.extent, self.rank, self.element_type,
                 self.element_type, self.attribute, self.attribute, self.attribute,
                 self.optional_input, self.other_opset, self.values, self.constant]
        wanted = 1 + int(self.random.random() < 0.4)
        for _ in range(20):
            if len(self.done) == wanted:
                break
            kind = self.pick(kinds)
            if kind in (self.extent, self.rank, self.element_type, self.values, self.constant):
                if not self.inputs:
                    continue
            done = kind()
            if done:
                self.done.append(done)

    def finish(self):
        """The declared types follow what was changed; those that follow from others go."""
        symbolic = self.random.random() < 0.15
        for value in self.graph.input:
            x = next(x for name, x in self.inputs if name == value.name)
            shape = list(x.shape)
            if symbolic:
                shape = [f"{value.name}_{a}" for a in range(x.ndim)]
            value.CopyFrom(helper.make_tensor_value_info(
                value.name, helper.np_dtype_to_tensor_dtype(x.dtype), shape))
        if symbolic:
            self.done.append("symbolic extents")
        for name, x in self.constants:
            self.graph.initializer.append(numpy_helper.from_array(x, name))
        del self.graph.value_info[:]
        for value in self.graph.output:
            value.ClearField("type")
        return self.model


def converted(x, to):
    if x.dtype.kind == "f" and to.kind in "iu":
        x = np.nan_to_num(np.round(x * 4))
    if to.kind == "u":
        x = np.abs(x.astype(np.float64)) if x.dtype.kind == "f" else np.where(x < 0, -x, x) \
            if x.dtype.kind == "i" else x
    with np.errstate(all="ignore"):
        return x.astype(to)


def attempt(node_cases, kinds, number):
    """(case name, model, inputs, what was changed)"""
    random = np.random.default_rng([SEED, number])
    names = sorted(kinds)
    cases = kinds[names[random.integers(len(names))]]
    name = cases[random.integers(len(cases))]
    case = Case(node_cases / name, random)
    case.mutate()
    return name, case.finish(), case.inputs, case.done


def operators(model):
    return sorted({node.op_type for node in nodes_of(model.graph)})


def compute(model, inputs):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           ["CPUExecutionProvider"])
    return session.run(None, dict(inputs))


def main():
    node_cases, kinds = Path(sys.argv[1]), listed(sys.argv[2])
    for number in range(int(sys.argv[4]), int(sys.argv[5])):
        print(json.dumps({"number": number}), flush=True)  # where a crash happened
        name, model, inputs, done = attempt(node_cases, kinds, number)
        row = {"number": number, "case": name, "operators": operators(model), "changed": done,
               "types": sorted({x.dtype.name for _, x in inputs})}
        try:
            outputs = compute(model, inputs)
            row["result"] = "computed"
        except Exception as error:  # its exceptions have no common base
            outputs = []
            row["result"] = "refused"
            row["reason"] = " ".join(str(error).split())[:300]
        folder = Path(sys.argv[3]) / f"{number:06}"
        folder.mkdir(parents=True)
        onnx.save(model, folder / "model.onnx")
        for i, (_, x) in enumerate(inputs):
            np.save(folder / f"input_{i}.npy", x)
        for i, x in enumerate(outputs):
            np.save(folder / f"output_{i}.npy", x)
        (folder / "row.json").write_text(json.dumps(row))
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
