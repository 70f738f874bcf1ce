#!/usr/bin/env python3
"""Files: whisper.cpp's .bin, hub folders (safetensors, tokenizer.json) and split GGUF files.

No such files are at hand, so they are written here, from models that are: a Whisper of CTranslate2
becomes a .bin (which whisper.cpp reads too) and a hub folder, GGUF models become hub folders and
parts. The same weights have to give the same results from either kind of file.
"""
import json
import tempfile
from pathlib import Path

from voice_checks import session  # first: finds the right Python

from language_checks import Verdict, model, not_run, shared, tenwatt, tenwatt_json, words_wrong

try:
    from pywhispercpp.model import Model as WhisperCpp
    import hub_files
    import whisper_files
except ImportError as missing:
    not_run(f"{missing}; packaging/requirements-reference.txt has it")

QUANTISED = ["q8_0", "q5_0", "q4_1"]
LOGPROB = 1e-3
# Of a segment's mean, by the format of the hub's matrices; the source has halves.
WHISPER_LOGPROB = {"F16": 0, "F32": 1e-2}
TEXT = ("The old lighthouse keeper climbed the stairs every evening, lit the lamp, and wrote a few "
        "lines about the weather. In 1969 the first people walked on the Moon.")
# GGUF file, vectors, format of the hub's matrices, files, every how many vectors.
HUB = [("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m", "F32", 2, 1),
       ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-0.5b", "F16", 1, 2),
       ("gemma-3-270m-q4_k_m.gguf", "gemma3-270m", "F16", 1, 4)]


def recognised(recogniser, files, *options):
    """What is heard in each file: text and segments with their log-probabilities."""
    rows = json.loads(tenwatt("transcribe", "--stt", recogniser, "--no-fallback", "--no-context",
                              "-f", "json", *options, *files))
    return [rows[str(file)] for file in files]


def transcripts(rows):
    return [row["text"].strip() for row in rows]


def whisper_cpp_transcripts(path, files):
    recogniser = WhisperCpp(str(path), redirect_whispercpp_logs_to=None)
    settings = {"language": "en", "temperature": 0.0, "temperature_inc": 0.0, "no_context": True}
    return ["".join(part.text + " " for part in recogniser.transcribe(str(file), **settings))
            for file in files]


def whisper(verdict, folder):
    source = model("whisper-tiny.en")
    clips = [json.loads(line) for line in
             shared("speech/human.jsonl").read_text(encoding="utf-8").splitlines()]
    files = [shared(clip["file"]) for clip in clips]
    heard = recognised(source, files)
    wanted = transcripts(heard)
    hub_whisper(verdict, folder, heard, files)
    path, unquantised = folder / "whisper.bin", 0
    for number_format in ["f16", *QUANTISED]:
        whisper_files.write_whisper_cpp(source, path, number_format)
        texts = transcripts(recognised(path, files))
        ours, our_line = words_wrong(clips, texts)
        theirs, their_line = words_wrong(clips, whisper_cpp_transcripts(path, files))
        if number_format == "f16":
            same_texts(verdict, "whisper.cpp f16", texts, wanted, "the CTranslate2 file")
            unquantised = theirs
        else:
            whisper_files.write_dequantised(source, path, number_format)
            plain, plain_line = words_wrong(clips, transcripts(recognised(path, files)))
            verdict.check(ours <= plain + 1, f"whisper.cpp {number_format}: {our_line}; "
                          f"the same numbers in f32: {plain_line}")
        # Where a file with rounded weights scores better than the one it was made from, that is
        # chance, and no measure for others.
        verdict.check(ours <= max(theirs, unquantised) + 1, f"whisper.cpp {number_format}: ours "
                      f"{our_line}; whisper.cpp {their_line}")


def shown(verdict, path, kind):
    """`show` knows what a folder is."""
    found = tenwatt_json("show", path)
    verdict.check(found["kind"] == kind and found["name"] == path.name and found["installed"],
                  f"show {path.name}: {found['kind']}, {found['description']}, "
                  f"{len(found['files'])} files")


def same_texts(verdict, name, texts, others, source):
    same = sum(a == b for a, b in zip(texts, others, strict=True))
    verdict.check(same == len(others),
                  f"{name}: {same} of {len(others)} transcripts are those of {source}")


def hub_whisper(verdict, folder, wanted, files):
    """A hub's folder of halves has every bit of the CTranslate2 file, also in several files; one
    of f32, as hubs publish Whisper, says the same words."""
    for kind, parts in (("F16", 3), ("F32", 1)):
        target = folder / f"whisper-{kind}"
        whisper_files.write_hub(model("whisper-tiny.en"), target, kind, parts)
        shown(verdict, target, "recognizer")
        rows = recognised(target, files)
        same_texts(verdict, f"hub folder of Whisper in {kind}", transcripts(rows),
                   transcripts(wanted), "the CTranslate2 file")
        largest = max(abs(a["avg_logprob"] - b["avg_logprob"])
                      for ours, theirs in zip(rows, wanted, strict=True)
                      for a, b in zip(ours["segments"], theirs["segments"], strict=True))
        verdict.at_most(f"hub folder of Whisper in {kind}: mean log-probabilities of segments, "
                        "largest difference", largest, WHISPER_LOGPROB[kind])


def scores(name):
    positions = tenwatt_json("score", name, "-p", TEXT, "--precision", "exact", "--memory",
                             "map")["positions"]
    return [p["id"] for p in positions], [p["logprob"] for p in positions]


def same_scores(verdict, name, path, other):
    (ids, ours), (other_ids, theirs) = scores(path), scores(other)
    verdict.check(ids == other_ids, f"{name}: the same {len(ids)} tokens")
    verdict.at_most(f"{name}: log-probabilities, largest difference",
                    max(abs(a - b) for a, b in zip(ours, theirs, strict=True)), LOGPROB)


def tokens(verdict, name, folder, vectors, step):
    """The folder's tokenizer.json against the recorded ids; Hugging Face's own answer counts where
    the record has one."""
    wrong, rows = [], [json.loads(line) for line in
                       shared(f"tokenizer/{vectors}.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows[::step]:
        ids = tenwatt_json("tokenize", folder, "-", stdin=row["text"].encode())["ids"]
        if ids not in (row["ids"], row.get("hf_ids")):
            wrong.append(row["n"])
    count = len(rows[::step])
    verdict.check(not wrong, f"{name}: {count - len(wrong)} of {count} texts have the recorded ids"
                  + (f", wrong: {wrong}" if wrong else ""))


def hub(verdict, folder):
    for file, vectors, kind, parts, step in HUB:
        source, name = model(file), f"hub folder of {file.split('.')[0]} in {kind}"
        target, plain = folder / vectors, folder / "plain.gguf"
        hub_files.write_hub(source, target, kind, parts)
        hub_files.write_plain_gguf(source, plain, kind)
        shown(verdict, target, "language")
        same_scores(verdict, name, target, plain)
        plain.unlink()
        tokens(verdict, name, target, vectors, step)
        for weights in target.glob("*.safetensors"):
            weights.unlink()


def split(verdict, folder):
    source = model("SmolLM2-135M-Instruct.Q4_1.gguf")
    (folder / "split").mkdir()
    parts = hub_files.write_split(source, folder / "split", 3)
    verdict.check(len(parts) == 3, f"GGUF in {len(parts)} parts")
    ids, wanted = scores(source)
    for part in (parts[0], parts[2]):
        verdict.check(scores(part) == (ids, wanted), f"{part.name} opens all parts: same scores")


def main():
    verdict = Verdict()
    with tempfile.TemporaryDirectory() as folder:
        whisper(verdict, Path(folder))
        split(verdict, Path(folder))
        hub(verdict, Path(folder))
    verdict.leave()


main()
