"""Records what jinja2 renders from the chat template of a GGUF file.

Usage: record_chat_template.py MODEL.gguf > tests/unit/text/chat_template.json
Needs gguf and jinja2; the versions are written into the output.
"""

import importlib.metadata
import json
import sys

import gguf
import jinja2.sandbox

CONVERSATIONS = {
    "user": [("user", "Hello there!")],
    "system, user": [("system", "You are terse."), ("user", "Why is the sky blue?")],
    "system, user, assistant, user": [
        ("system", "You are terse."),
        ("user", "One\ntwo  "),
        ("assistant", "Three."),
        ("user", "<b>'quoted' & \"more\"</b> \u00e9\u4e16"),
    ],
    "user, assistant, user": [("user", "a"), ("assistant", "b"), ("user", "c")],
    "user, system": [("user", "a"), ("system", "late")],
    "empty content": [("user", "")],
    "no messages": [],
}


def main(path):
    source = gguf.GGUFReader(path).fields["tokenizer.chat_template"].contents()
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(source)
    cases = []
    for name, turns in CONVERSATIONS.items():
        messages = [{"role": role, "content": content} for role, content in turns]
        for add in (True, False):
            text = template.render(messages=messages, add_generation_prompt=add)
            cases.append({"name": name, "messages": messages, "add_generation_prompt": add, "text": text})
    versions = {name: importlib.metadata.version(name) for name in ("jinja2", "gguf")}
    json.dump({"versions": versions, "template": source, "cases": cases}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
