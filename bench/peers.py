#!/usr/bin/env python3
"""Tenwatt against its peers on the same files, on this machine, in one run: ./dev bench --peers.

    peers.py [--rounds N] [--minutes M] [--only llm,stt,tts,graphs] [--json FILE] [--level NAME]

Ours and a peer take turns (A, B, A, B, ...), each with two threads; a peer stays loaded. A round is
one measurement of the peer between two of ours, and a ratio compares it with their mean. Read
bandwidth is probed in our process before each of ours: a round in which it moved by more than 10 %
does not count. Prints medians with their spread, the peers' versions, build flags and perplexity (a
fast peer that computes garbage is no peer), and writes all figures as JSON.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests/acceptance"))

from language_checks import REFERENCES, model, shared, tenwatt_json, words_wrong  # noqa: E402

THREADS = 2
STEADY = 0.10  # a roof that moves more between two probes spoils the round
FAST_ROOF = 55  # GB/s; below it decoding says more of the memory's state than of the engine
LANGUAGE = [("SmolLM2-135M", "SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2_scores.json"),
            ("Qwen2.5-0.5B", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5_scores.json"),
            ("Gemma3-270M", "gemma-3-270m-q4_k_m.gguf", "gemma3_scores.json")]
SENTENCE = ("The old lighthouse keeper climbed the stairs every evening, lit the lamp, and wrote a "
            "few lines about the weather before the long night began.")


class Peer:
    """A worker of peers/worker.py."""

    def __init__(self, kind, path, **settings):
        words = [f"{key}={value}" for key, value in settings.items()]
        self.process = subprocess.Popen(
            [sys.executable, HERE / "peers/worker.py", kind, path, *words], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "THREADS": str(THREADS)})

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit("a peer ended: " + " ".join(map(str, self.process.args)))
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    """What was measured, and how much more of it there is to be."""

    def __init__(self, options):
        self.options = options
        self.rows, self.peers = [], {}

    def ours(self, *words):
        level = ["--level", self.options.level] if self.options.level else []
        return tenwatt_json(*words, "--threads", THREADS, *level)

    def rounds(self, enough, ours, *theirs):
        """Chains of ours, each peer, ours, each peer, ...: [(before, [peer...], after)]."""
        end = time.monotonic() + 60 * self.options.minutes
        done, before = [], ours()
        while not enough(done) and (time.monotonic() < end or not done):
            answers = [peer() for peer in theirs]
            after = ours()
            done.append((before, answers, after))
            before = after
        return done

    def row(self, name, unit, pairs, **more):
        """Median ratio of pairs (ours, theirs), of which larger is better."""
        ratios = sorted(a / b for a, b in pairs)
        row = {"what": name, "unit": unit, "ours": statistics.median(a for a, _ in pairs),
               "theirs": statistics.median(b for _, b in pairs),
               "ratio": statistics.median(ratios), "least": ratios[0], "most": ratios[-1],
               "rounds": len(ratios), **more}
        self.rows.append(row)
        extra = "".join(f", {key} {value:.3g}" if isinstance(value, float) else f", {key} {value}"
                        for key, value in more.items())
        print(f"{name}: {row['ours']:.4g} against {row['theirs']:.4g} {unit}: {row['ratio']:.2f}x "
              f"({row['least']:.2f} to {row['most']:.2f}, {len(ratios)} rounds{extra})", flush=True)


def steady(rounds):
    return [r for r in rounds if abs(r[0]["roof_gb_s"] / r[2]["roof_gb_s"] - 1) <= STEADY]


def language(bench):
    for name, file, scores in LANGUAGE:
        path = model(file)
        ids = json.loads((REFERENCES / scores).read_text(encoding="utf-8"))["ids"][:512]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as ids_file, \
                Peer("llama", path, flash="on") as flash, Peer("llama", path, flash="off") as plain:
            json.dump(ids, ids_file)
            ids_file.flush()
            bench.peers["llama.cpp"] = flash.ask()
            perplexity = {"ours_ppl": bench.ours("score", path, "--ids", ids_file.name)["perplexity"],
                          "llama_ppl": flash.ask(ids=ids)["perplexity"]}
            work = {"prompt": 512, "generate": 128}
            rounds = bench.rounds(
                lambda done: len(steady(done)) >= bench.options.rounds,
                lambda: bench.ours("bench", "llm", "--model", path, "--repeat", 1),
                lambda: flash.ask(**work), lambda: plain.ask(**work))
        kept = steady(rounds) or rounds
        for kind in ("prefill_tok_s", "decode_tok_s"):
            # The better of flash attention on and off counts.
            best = max((0, 1), key=lambda i: statistics.median(r[1][i][kind] for r in kept))
            pairs = [((before[kind] + after[kind]) / 2, answers[best][kind])
                     for before, answers, after in kept]
            more = {"dropped": len(rounds) - len(kept), "flash": ["on", "off"][best], **perplexity}
            if kind == "decode_tok_s":
                more["roof"] = statistics.median(r[2]["roof_gb_s"] for r in kept)
                more["share"] = statistics.median(r[2]["roofline_fraction"] for r in kept)
                more["fast_rounds"] = sum(r[2]["roof_gb_s"] >= FAST_ROOF for r in kept)
                more["bytes_per_token"] = kept[0][0]["bytes_per_token"]
            bench.row(f"{name} {kind.split('_')[0]}", "tokens/s", pairs, **more)


def hearing(bench):
    clips = [json.loads(line) for line in
             shared("speech/human.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in ("whisper-tiny.en", "whisper-base"):
        path = model(name)
        with Peer("whisper", path) as peer:
            bench.peers["faster-whisper"] = peer.ask()
            total, pairs, texts = [0.0, 0.0], [], ([], [])
            for clip in clips:
                file = str(shared(clip["file"]))
                theirs = peer.ask(audio=file)
                ours = bench.ours("bench", "stt", "--stt", path, "--audio", file, "--repeat", 3)
                for i, answer in enumerate((ours, theirs)):
                    total[i] += answer["wall_s"]
                    texts[i].append(answer["text"])
                pairs.append((1 / ours["wall_s"], 1 / theirs["wall_s"]))
        bench.row(f"{name}, {len(clips)} clips", "clips/s", pairs,
                  total=f"{total[0]:.2f} s against {total[1]:.2f} s",
                  of_totals=total[1] / total[0],
                  words_wrong=" against ".join(str(words_wrong(clips, t)[0]) for t in texts))


def speaking(bench):
    path = model("en_US-joe-medium.onnx")
    with Peer("piper", path) as peer:
        bench.peers["piper-tts"] = peer.ask()
        rounds = bench.rounds(
            lambda done: len(done) >= bench.options.rounds,
            lambda: bench.ours("bench", "tts", "--voice", path, "--text", SENTENCE),
            lambda: peer.ask(text=SENTENCE))
    speed = [(2 * after["audio_s"] / (before["wall_s"] + after["wall_s"]),
              answers[0]["audio_s"] / answers[0]["wall_s"]) for before, answers, after in rounds]
    bench.row("Piper medium", "s of sound/s", speed,
              first_audio_ms=statistics.median(r[2]["first_audio_ms"] for r in rounds))


def graphs(bench):
    import numpy as np
    ids = json.loads((REFERENCES / "piper.json").read_text(encoding="utf-8"))["cases"][0]["ids"]
    rows = [("Silero", "silero_vad.onnx", {"input": np.zeros((1, 576), np.float32),
                                           "state": np.zeros((2, 1, 128), np.float32),
                                           "sr": np.array(16000, np.int64)}, 200),
            ("Piper graph", "en_US-joe-medium.onnx",
             {"input": np.array([ids], np.int64), "input_lengths": np.array([len(ids)], np.int64),
              "scales": np.array([0.667, 1, 0.8], np.float32)}, 5)]
    with tempfile.TemporaryDirectory() as folder:
        encoder = export_encoder(folder)
        if encoder:
            rows.append(("Whisper encoder by torch", encoder,
                         {"mel": np.zeros((1, 80, 3000), np.float32)}, 5))
        for name, file, inputs, repeat in rows:
            path = file if Path(file).is_absolute() else model(file)
            files = {}
            for key, array in inputs.items():
                files[key] = f"{folder}/{key}.npy"
                np.save(files[key], array)
            words = [w for key, at in files.items() for w in ("--input", f"{key}={at}")]
            with Peer("onnx", path) as peer:
                bench.peers["onnxruntime"] = peer.ask()
                rounds = bench.rounds(
                    lambda done: len(done) >= bench.options.rounds,
                    lambda: bench.ours("infer", path, *words, "--repeat", repeat),
                    lambda: peer.ask(inputs=files, repeat=repeat))
            bench.row(name, "runs/s", [(2000 / (before["wall_ms"] + after["wall_ms"]),
                                        1000 / answers[0]["wall_ms"])
                                       for before, answers, after in rounds])


def export_encoder(folder):
    """tiny.en's encoder as torch writes it; none where no Python has torch."""
    for python in (sys.executable, "/usr/bin/python3"):
        run = subprocess.run([python, ROOT / "tests/acceptance/engine/whisper_export.py",
                              model("whisper-tiny.en") + "/model.bin", folder],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if run.returncode == 0:
            return folder + "/encoder.onnx"
    print("not run: Whisper's encoder, no torch (Debian: python3-torch)")
    return None


STAGES = {"llm": language, "stt": hearing, "tts": speaking, "graphs": graphs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=20, help="at most, for each row")
    parser.add_argument("--only", default=",".join(STAGES))
    parser.add_argument("--json", default=str(ROOT / "build/peers.json"))
    parser.add_argument("--level", help="instruction level of ours")
    options = parser.parse_args()
    bench = Bench(options)
    for stage in options.only.split(","):
        if stage not in STAGES:
            sys.exit(f"no stage '{stage}'; there are {', '.join(STAGES)}")
        STAGES[stage](bench)
    for name, about in bench.peers.items():
        print(f"{name} {about['version']}: {about['build']}")
    Path(options.json).write_text(json.dumps({"rows": bench.rows, "peers": bench.peers}, indent=1))


main()
