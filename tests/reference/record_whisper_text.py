"""Records how Hugging Face's `tokenizers` encodes text with Whisper's vocabularies.

Usage: record_whisper_text.py MODEL_FOLDER... > tests/unit/text/whisper_text.json
Each folder holds tokenizer.json; its name is the model's. Needs tokenizers; the version is written
into the output.

The multilingual tokenizer.json lost the first of OpenAI's merges ("\u0120 t": its list starts with
"\u0120 a", 49999 long); it is put back, so that the ids are those that the model was trained on.
"""

import importlib.metadata
import json
import pathlib
import sys

import tokenizers

TEXTS = [
    " And so my fellow Americans, ask not what your country can do for you.",
    " It's 10:30, isn't it? We'll see; they've gone.",
    " Prices rose 3.5% to $1,234.56 in 2024!",
    " \u00c9t\u00e9 \u00e0 la plage, gar\u00e7on na\u00efve.",
    " \u4eca\u65e5\u306f\u3044\u3044\u5929\u6c17\u3067\u3059\u306d\u3002",
    "  two  spaces\n\nand lines\t.",
    " \u266a music \u266a (laughs) [noise] -- so... \"quoted\"",
    " supercalifragilisticexpialidocious",
    " \U0001f600 emoji \u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627",
    "",
]


def main(folders):
    models = {}
    for folder in map(pathlib.Path, folders):
        source = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        merges = source["model"]["merges"]
        if merges[0] != "\u0120 t":
            merges.insert(0, "\u0120 t")
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(source))
        models[folder.name] = [
            {"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in TEXTS
        ]
    versions = {"tokenizers": importlib.metadata.version("tokenizers")}
    json.dump({"versions": versions, "models": models}, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
