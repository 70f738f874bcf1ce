"""Makes a tiny random model of each family of language models, and what it says of a few tokens.

Usage: record_families.py FOLDER (tests/reference/data/families). Writes NAME.gguf, with matrices in
F16, and NAME.json: {"ids": [...], "logits": [[...] per position]}. The forward pass is that of
record_scores.py, float32 throughout. No weight is a default (norms are not one, biases not zero), so
that a norm left out or two layers swapped can't go unseen; texts are longer than Gemma's window.
"""
import json
import sys
from pathlib import Path

import gguf
import numpy as np

from record_scores import Weights, last_hidden

VOCABULARY = 40
POSITIONS = 48
WIDTH, INNER, HEADS, KEY_HEADS, HEAD_SIZE = 32, 32, 4, 2, 16
WINDOW = 8
LAYERS = {"llama": 2, "qwen2": 2, "gemma3": 7}  # of Gemma's seven the sixth sees everything
# What each branch adds to the residual, by file; gemma3_loud's leaves the range of 16-bit floats.
BRANCHES = {"llama": 1, "qwen2": 1, "gemma3": 1, "gemma3_loud": 40_000}


def add_keys(writer, family):
    writer.add_name(f"tiny {family}")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS[family])
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_key_length(HEAD_SIZE)
    writer.add_value_length(HEAD_SIZE)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6 if family != "llama" else 1e4)
    if family == "gemma3":
        writer.add_sliding_window(WINDOW)
    # A vocabulary of letters, in which nothing merges.
    writer.add_tokenizer_model("llama" if family == "gemma3" else "gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([chr(ord("A") + i) for i in range(VOCABULARY)])
    writer.add_token_scores([0.0] * VOCABULARY)
    writer.add_token_types([1] * VOCABULARY)
    writer.add_token_merges([])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def add_tensors(writer, family, random, branch):
    def matrix(name, rows, columns):
        values = random.standard_normal((rows, columns)) / np.sqrt(columns)
        writer.add_tensor(name + ".weight", values.astype(np.float16))

    def vector(name, size, mean):
        values = mean + 0.3 * random.standard_normal(size)
        writer.add_tensor(name, values.astype(np.float32))

    matrix("token_embd", VOCABULARY, WIDTH)
    vector("output_norm.weight", WIDTH, 1)
    if family == "qwen2":
        matrix("output", VOCABULARY, WIDTH)
    for layer in range(LAYERS[family]):
        block = f"blk.{layer}."
        for name, heads in (("attn_q", HEADS), ("attn_k", KEY_HEADS), ("attn_v", KEY_HEADS)):
            matrix(block + name, heads * HEAD_SIZE, WIDTH)
            if family == "qwen2":
                vector(f"{block}{name}.bias", heads * HEAD_SIZE, 0)
        matrix(block + "attn_output", WIDTH, HEADS * HEAD_SIZE)
        matrix(block + "ffn_gate", INNER, WIDTH)
        matrix(block + "ffn_up", INNER, WIDTH)
        matrix(block + "ffn_down", WIDTH, INNER)
        vector(block + "attn_norm.weight", WIDTH, 1)
        vector(block + "ffn_norm.weight", WIDTH, 1)
        if family == "gemma3":
            vector(block + "attn_q_norm.weight", HEAD_SIZE, 1)
            vector(block + "attn_k_norm.weight", HEAD_SIZE, 1)
            vector(block + "post_attention_norm.weight", WIDTH, branch)
            vector(block + "post_ffw_norm.weight", WIDTH, branch)


def record(folder, name, branch):
    family = name.split("_")[0]
    random = np.random.default_rng(7)
    path = folder / f"{name}.gguf"
    writer = gguf.GGUFWriter(path, family)
    add_keys(writer, family)
    add_tensors(writer, family, random, branch)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights = Weights(path)
    ids = random.integers(0, VOCABULARY, POSITIONS).tolist()
    head = weights["output.weight" if "output.weight" in weights else "token_embd.weight"]
    logits = last_hidden(weights, ids) @ head.T
    rows = ",\n".join(json.dumps([round(float(x), 6) for x in row], separators=(",", ":"))
                      for row in logits)
    (folder / f"{name}.json").write_text(
        '{"ids":' + json.dumps(ids, separators=(",", ":")) + ',\n"logits":[\n' + rows + "]}\n")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, branch in BRANCHES.items():
        record(folder, name, branch)


main()
