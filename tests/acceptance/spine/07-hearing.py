#!/usr/bin/env python3
"""Line 7: Whisper's word errors against faster-whisper's, and Silero against onnxruntime.

The 28 human clips, and three recordings of 40 to 100 seconds joined from them, with the settings of
tests/reference/record_whisper.py: English forced, timestamps on, beam 1, temperature 0, no fallback,
no conditioning on previous text. The unit tests of hearing compare tokens, too.
"""
import json
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from voice_checks import session  # first: finds the right Python

import numpy as np

from language_checks import REFERENCES, ROOT, Verdict, model, shared, tenwatt

WORDS_MORE = 1
# Beyond the promise, because a damaged spectrogram can cost no word: faster-whisper's own 8-bit and
# 32-bit transcripts are the same in about nine of ten clips.
SAME_LETTERS = 25
PROBABILITY = 1e-5
SAMPLES = 512   # of a chunk
CONTEXT = 64    # samples before it that the model sees again
RATE = 16000


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def samples_of(path):
    with wave.open(str(path)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2")


def write_wav(path, samples):
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, RATE, len(samples), "NONE", ""))
        sound.writeframes(samples.tobytes())


def transcripts(recogniser, files):
    """The text of every file: `transcribe -f json` gives one object with an entry per file."""
    text = tenwatt("transcribe", "--stt", recogniser, "--no-fallback", "--no-context", "-f", "json",
                   *files)
    rows = json.loads(text)
    return [rows[str(file)]["text"] for file in files]


def word_errors(verdict, folder, name, references, ours, theirs):
    for kind, rows in (("reference", references), ("ours", ours), ("other", theirs)):
        write_lines(folder / f"{kind}.jsonl", rows)
    run = subprocess.run([sys.executable, ROOT / "tests/acceptance/wer.py", folder / "reference.jsonl",
                          folder / "ours.jsonl", "--also", folder / "other.jsonl", "--allow",
                          str(WORDS_MORE)], capture_output=True, text=True)
    totals = [line for line in run.stdout.splitlines() if " words, " in line]
    if run.returncode != 0:
        print(run.stdout + run.stderr)
    verdict.check(run.returncode == 0, f"{name}: " + "; ".join(totals) + " (faster-whisper)")


def whisper(verdict, folder, recogniser, recorded_name):
    clips = lines(shared("speech/human.jsonl"))
    recorded = [row for row in lines(REFERENCES / recorded_name) if "id" in row]
    files = {clip["id"]: shared(clip["file"]) for clip in clips}
    texts = transcripts(model(recogniser), files.values())
    ours = [{"id": name, "text": text} for name, text in zip(files, texts, strict=True)]
    word_errors(verdict, folder, f"{recogniser}, {len(clips)} clips", clips, ours, recorded)
    by_id = {row["id"]: row["text"] for row in recorded}
    equal = sum(row["text"].strip() == by_id[row["id"]] for row in ours)
    verdict.check(equal >= SAME_LETTERS, f"{recogniser}: {equal} of {len(ours)} transcripts are "
                  f"faster-whisper's letter by letter (at least {SAME_LETTERS})")

    spoken = {clip["id"]: clip["text"] for clip in clips}
    joined = [row for row in recorded if "parts" in row and not row["id"].endswith("-context")]
    long_files = []
    for row in joined:
        long_files.append(folder / f"{row['id']}.wav")
        write_wav(long_files[-1], np.concatenate([samples_of(files[p]) for p in row["parts"]]))
    texts = transcripts(model(recogniser), long_files)
    word_errors(verdict, folder, f"{recogniser}, {len(joined)} recordings beyond 30 s",
                [{"id": r["id"], "text": " ".join(spoken[p] for p in r["parts"])} for r in joined],
                [{"id": r["id"], "text": t} for r, t in zip(joined, texts, strict=True)], joined)


def chunks_of(samples):
    """Rows of a chunk with the samples before it, the last one filled with silence."""
    count = -(-len(samples) // SAMPLES)
    padded = np.zeros(CONTEXT + count * SAMPLES, np.float32)
    padded[CONTEXT:CONTEXT + len(samples)] = samples
    return np.stack([padded[i * SAMPLES:(i + 1) * SAMPLES + CONTEXT] for i in range(count)])


def infer_silero(folder, onnx_file, chunks):
    state = np.zeros((1, 1, 128), np.float32)
    for name, array in (("input", chunks), ("h", state), ("c", state)):
        np.save(folder / f"{name}.npy", array)
    inputs = [word for name in ("input", "h", "c") for word in ("-i", f"{name}={folder}/{name}.npy")]
    tenwatt("infer", onnx_file, *inputs, "-o", folder / "silero", "--precision", "exact")
    return np.load(folder / "silero/speech_probs.npy").ravel()


def noise(count):
    """The numbers of tests/reference/record_silero_vad.py."""
    values, state = [], 1
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values.append((state >> 8) / 2**24 - 0.5)
    return np.array(values, np.float32)


def silero_noise(verdict, folder):
    recorded = json.loads((REFERENCES / "silero_vad.json").read_text())
    wanted = np.array(recorded["sequence"]["speech_probs"]["values"])
    ours = infer_silero(folder, model("silero_vad_16k_sequence.onnx"),
                        noise(len(wanted) * (SAMPLES + CONTEXT)).reshape(len(wanted), -1))
    verdict.at_most("Silero on noise, largest difference", np.abs(ours - wanted).max(), PROBABILITY)


def silero_speech(verdict, folder):
    onnx_file = model("silero_vad_16k_sequence.onnx")
    reference = session(onnx_file)
    state = np.zeros((1, 1, 128), np.float32)
    for name in ("jfk", "ls-1088", "ast-demo-congrats"):
        chunks = chunks_of(samples_of(shared(f"speech/human/{name}.wav")) / np.float32(32768))
        wanted = reference.run(["speech_probs"], {"input": chunks, "h": state, "c": state})[0]
        ours = infer_silero(folder, onnx_file, chunks)
        verdict.at_most(f"Silero on {name}, {len(chunks)} chunks, largest difference",
                        np.abs(ours - wanted.ravel()).max(), PROBABILITY)


def main():
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        silero_noise(verdict, folder)
        if verdict.failures:
            verdict.leave()
        silero_speech(verdict, folder)
        whisper(verdict, folder, "whisper-tiny.en", "whisper_tiny.en.jsonl")
        whisper(verdict, folder, "whisper-base", "whisper_base.jsonl")
    verdict.leave()


main()
