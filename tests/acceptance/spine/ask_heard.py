"""What faster-whisper hears in spoken answers, and the words in which it differs from the text.

Usage: ask_heard.py MODEL_FOLDER WAV_FOLDER SPOKEN.json
SPOKEN.json maps a clip's id to the text that was sent to the voice; WAV_FOLDER holds ID.wav. English
forced, beam 1, temperature 0, no conditioning on previous text, float32; both texts pass Whisper's
normaliser. Prints JSON. Needs packaging/requirements-reference.txt.
"""
import importlib.metadata
import json
import sys
from pathlib import Path

import jiwer
from faster_whisper import WhisperModel
from whisper_normalizer.english import EnglishTextNormalizer


def main():
    folder, waves, spoken = sys.argv[1:4]
    normalise = EnglishTextNormalizer()
    listener = WhisperModel(folder, device="cpu", compute_type="float32")
    result = {"made_with": f"faster-whisper {importlib.metadata.version('faster-whisper')}, jiwer "
                           f"{importlib.metadata.version('jiwer')}",
              "errors": 0, "words": 0, "clips": {}}
    for clip, text in json.loads(Path(spoken).read_text(encoding="utf-8")).items():
        segments, _ = listener.transcribe(str(Path(waves) / f"{clip}.wav"), language="en",
                                          beam_size=1, temperature=0,
                                          condition_on_previous_text=False)
        heard = "".join(segment.text for segment in segments)
        expected, actual = normalise(text), normalise(heard)
        words = len(expected.split())
        errors = len(actual.split())
        if words:
            counts = jiwer.process_words(expected, actual)
            errors = counts.substitutions + counts.deletions + counts.insertions
        result["clips"][clip] = {"errors": errors, "words": words, "heard": heard.strip()}
        result["errors"] += errors
        result["words"] += words
    print(json.dumps(result))


main()
