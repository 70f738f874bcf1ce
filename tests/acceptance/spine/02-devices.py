#!/usr/bin/env python3
"""Line 2: the vocoder on the simulated NPU, the rest on the CPU: the same bits as all on the CPU.

The short sentence fits a small window of the NPU, the middle one runs in two or three windows, the
long one in many. `explain` has to show the vocoder's nodes there.
"""
import tempfile
from pathlib import Path

from language_checks import Verdict, tenwatt_json
from voice_checks import piper_cases, runs_of, same_bits, say_ids, voice

CASES = [0, 1, 9]
PLACE = ("--place", "vocoder=simnpu,cpu")


def placement(verdict, onnx_file):
    graphs = tenwatt_json("explain", onnx_file, "--nodes", "--precision", "exact", *PLACE)
    for graph in graphs:
        devices = {}
        for node in graph["nodes"]:
            devices.setdefault(node["device"], []).append(node)
        there = len(devices.get("simnpu", []))
        name = graph["graph"]
        if name != "vocoder":
            verdict.check(there == 0, f"{name}: {there} nodes on simnpu")
            continue
        refused = [n for n in devices.get("cpu", []) if not n["refusals"]]
        heavy = [n for n in devices.get("cpu", []) if n["op"] in ("Conv", "ConvTranspose")]
        verdict.check(there > 60 and not heavy,
                      f"{name}: {there} of {len(graph['nodes'])} nodes on simnpu, all convolutions")
        verdict.check(not refused, f"{name}: every node left on the CPU has simnpu's reason")


def main():
    onnx_file = voice()
    verdict = Verdict()
    placement(verdict, onnx_file)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        for case in (piper_cases()[i] for i in CASES):
            label = f"{case['characters']} characters"
            cpu = say_ids(folder, onnx_file, case["ids"], "--device", "cpu")
            whole = say_ids(folder, onnx_file, case["ids"], "--device", "cpu", "--whole")
            npu = say_ids(folder, onnx_file, case["ids"], *PLACE, "--trace", trace)
            # On simnpu a window is two runs: its partition, and the reshape left to the CPU.
            windows = runs_of(trace, "vocoder") // 2
            verdict.check(windows >= 2, f"{label}: {windows} windows on simnpu")
            verdict.check(len(npu) == case["samples"] and same_bits(npu, cpu),
                          f"{label}: {len(npu)} samples, the bits of all-CPU")
            verdict.check(same_bits(npu, whole), f"{label}: the bits of all-CPU in one run")
    verdict.leave()


main()
