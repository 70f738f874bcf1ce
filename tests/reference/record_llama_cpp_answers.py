"""Records llama.cpp's answers to the transcripts of the fifteen questions in two voices.

Usage: record_llama_cpp_answers.py MODEL.gguf TRANSCRIPTS.json
           > tests/reference/data/llama_cpp_answers.json
TRANSCRIPTS.json maps a clip's id to its transcript (what `tenwatt ask --json --audio` gives as the
question, with whisper-base). The chat template is the file's own; the system prompt is `ask`'s
default; greedy, at most MAX_TOKENS tokens, an empty cache before each question.
Needs llama-cpp-python (its llama.cpp is built from source: pip install --no-binary
llama-cpp-python llama-cpp-python==0.3.36).
"""
import json
import platform
import sys
from pathlib import Path

import llama_cpp

SYSTEM = "You are a helpful voice assistant. Answer in one or two short sentences."
MAX_TOKENS = 80


def answer(model, question):
    model.reset()
    reply = model.create_chat_completion(
        [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
        temperature=0, top_k=1, repeat_penalty=1, max_tokens=MAX_TOKENS)
    return {"question": question, "answer": reply["choices"][0]["message"]["content"],
            "prompt_tokens": reply["usage"]["prompt_tokens"],
            "tokens": reply["usage"]["completion_tokens"]}


def main():
    path, transcripts = sys.argv[1:3]
    model = llama_cpp.Llama(path, n_ctx=2048, verbose=False)
    questions = json.loads(Path(transcripts).read_text(encoding="utf-8"))
    print(json.dumps({
        "made_with": f"llama-cpp-python {llama_cpp.__version__}, {platform.machine()}; "
                     + llama_cpp.llama_print_system_info().decode().strip(" |"),
        "model": Path(path).name, "system": SYSTEM, "max_tokens": MAX_TOKENS,
        "answers": {clip: answer(model, question) for clip, question in questions.items()},
    }, indent=1, ensure_ascii=False))


main()
