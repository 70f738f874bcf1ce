"""Records piper-tts's phonemes and ids for sentences, and its clauses for awkward punctuation.

Usage: record_phonemes_text.py VOICE.onnx.json > tests/unit/text/phonemes.json
Needs piper-tts (its bundled espeak-ng is newer than Debian 12's); the version is written into the
output.
"""

import importlib.metadata
import json
import sys

from piper import espeakbridge
from piper.phoneme_ids import phonemes_to_ids
from piper.phonemize_espeak import EspeakPhonemizer

SENTENCES = [
    "Hello.",
    "The quick brown fox jumps over the lazy dog.",
    "Hello, world. How are you today? I am fine!",
    "It costs 3.5 dollars... (really), Mr. Smith said.",
    "\"Stop!\" he cried, and ran away.",
    "Yes: no; maybe.",
    "Wait - what do you mean?",
    "Well \u2013 that is \u2014 fine.",
    "Title\n\nThe body of the text.",
    "One line\nand another line.",
    "She sells sea shells by the sea shore.",
    "What time is it in New York City?",
    "The capital of France is Paris.",
    "Water boils at one hundred degrees Celsius.",
    "I'd rather not, but we'll see what they've done.",
    "Open the window, please; it is very warm in here.",
    "No way!? Really?!",
    "Today is Tuesday, the twenty-fourth of November.",
    "There are 365 days in a year.",
    "Dr. Jones lives on Elm Street.",
    "This sentence has no full stop",
    "He said nothing\u2026 then he left.",
    "Apples, oranges, bananas and pears.",
    "A machine that thinks, listens and speaks.",
    "Why not?",
    "The engine runs on a small computer.",
    "Good morning! Did you sleep well?",
    "Photosynthesis turns light into chemical energy.",
    "My favourite colour is blue.",
    "Thank you very much for your help.",
]
CLAUSES = [
    "x; , y",
    "\"Is it?\" she asked.",
    "Hi.\"",
    "Really?! Yes... no. .",
    "A\n\n\nB,\n\nC",
    "End.\n\nNext",
    "(Inside.) Outside.",
    "The U.S. army. The U.S. The",
    "He paid $3.50, i.e. little; e.g. nothing!",
    "wait -- what",
    "",
    "   ",
    "...",
    "?",
]


def main(voice_path):
    voice = json.load(open(voice_path, encoding="utf-8"))
    name = voice["espeak"]["voice"]
    phonemizer = EspeakPhonemizer()
    sentences = []
    for text in SENTENCES:
        spoken = phonemizer.phonemize(name, text)
        sentences.append(
            {"text": text, "sentences": spoken, "ids": [phonemes_to_ids(s, voice["phoneme_id_map"]) for s in spoken]}
        )
    clauses = []
    for text in CLAUSES:
        ends = [[bool(sound), mark, end] for sound, mark, end in espeakbridge.get_phonemes(text)]
        clauses.append({"text": text, "ends": ends})
    versions = {"piper-tts": importlib.metadata.version("piper-tts")}
    record = {
        "versions": versions,
        "voice": name,
        "phoneme_id_map": voice["phoneme_id_map"],
        "sentences": sentences,
        "clauses": clauses,
    }
    json.dump(record, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main(sys.argv[1])
