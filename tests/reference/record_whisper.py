"""Records faster-whisper's transcripts of the human clips with the acceptance settings.

Usage: record_whisper.py MODEL_FOLDER SPEECH_FOLDER > tests/reference/data/whisper_NAME.jsonl
English forced, timestamps on, beam 1, temperature 0, no fallback, no conditioning on previous text,
no voice activity filter, float32, one thread. SPEECH_FOLDER holds human.jsonl and human/*.wav.
One line per clip: id, text, its segments with token ids, and what the decoder gave for each window
before it was cut into segments. RUNS adds clips joined end to end, so that recordings longer than 30
seconds and their seeking are covered too.
"""
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import decode_audio

#: Clips that are joined, by id, to make recordings of 40 to 100 seconds.
RUNS = {
    "run-open": ["jfk", "ls-1088", "ls-2412-1", "ls-61"],
    "run-harvard": ["harvard-1-1", "harvard-1-2", "harvard-1-4", "harvard-1-5", "harvard-2-1",
                    "harvard-2-2", "harvard-2-4", "harvard-2-5", "harvard-b1"],
    "run-prompts": ["ast-demo-congrats", "ast-conf-adminmenu", "ast-ss-noservice",
                    "ast-privacy-prompt", "ast-hello-world"],
}


def transcribe(model, audio, windows, **options):
    generate = type(model).generate_with_fallback

    def recorded(encoder_output, prompt, tokenizer, settings):
        result = generate(model, encoder_output, prompt, tokenizer, settings)
        windows.append({"prompt": prompt, "tokens": result[0].sequences_ids[0],
                        "avg_logprob": round(result[1], 5),
                        "no_speech_prob": round(result[0].no_speech_prob, 6)})
        return result

    model.generate_with_fallback = recorded
    settings = dict(language="en", beam_size=1, best_of=1, temperature=0,
                    condition_on_previous_text=False, compression_ratio_threshold=None,
                    log_prob_threshold=None, no_speech_threshold=None)
    segments, _ = model.transcribe(audio, **{**settings, **options})
    return list(segments)


def row(name, model, audio, **options):
    windows = []
    segments = transcribe(model, audio, windows, **options)
    return {
        "id": name,
        "samples": len(audio),
        "text": "".join(s.text for s in segments).strip(),
        "windows": windows,
        "segments": [{
            "seek": s.seek, "start": round(s.start, 3), "end": round(s.end, 3), "text": s.text,
            "tokens": s.tokens, "avg_logprob": round(s.avg_logprob, 5),
            "no_speech_prob": round(s.no_speech_prob, 6),
            "compression_ratio": round(s.compression_ratio, 5),
        } for s in segments],
    }


def main():
    model_folder, speech = sys.argv[1], Path(sys.argv[2])
    model = WhisperModel(model_folder, device="cpu", compute_type="float32", cpu_threads=1)
    versions = {p: importlib.metadata.version(p) for p in ("faster-whisper", "ctranslate2")}
    print(json.dumps({"recorded_with": versions, "model": Path(model_folder).name}))
    clips = [json.loads(line) for line in open(speech.parent / "speech" / "human.jsonl")]
    sound = {c["id"]: decode_audio(str(speech.parent / c["file"])) for c in clips}
    for name in sound:
        print(json.dumps(row(name, model, sound[name])), flush=True)
    for name, parts in RUNS.items():
        joined = np.concatenate([sound[part] for part in parts])
        reference = row(name, model, joined)
        reference["parts"] = parts
        print(json.dumps(reference), flush=True)
    context = row("run-open-context", model,
                  np.concatenate([sound[p] for p in RUNS["run-open"]]),
                  condition_on_previous_text=True)
    context["parts"] = RUNS["run-open"]
    print(json.dumps(context), flush=True)


main()
