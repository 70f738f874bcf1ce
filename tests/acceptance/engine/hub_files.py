"""Writes a GGUF language model back as a hub would publish it, and splits a GGUF file in parts.

config.json by hand, the weights dequantised by gguf-py under the hub's names and in its order of
rows, tokenizer.json built by Hugging Face's `tokenizers` from the GGUF vocabulary. Needs numpy,
gguf and tokenizers.
"""
import json
import struct
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants

QWEN2_CUT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
             r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
MODULES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj",
           "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
           "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
           "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
GEMMA_MODULES = {**MODULES, "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
                 "post_attention_norm": "post_attention_layernorm",
                 "ffn_norm": "pre_feedforward_layernorm",
                 "post_ffw_norm": "post_feedforward_layernorm"}
NAMES = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
         "output.weight": "lm_head.weight"}
CONTROL, USER_DEFINED = 3, 4


class Gguf:
    def __init__(self, path):
        self.reader = GGUFReader(path)
        self.architecture = self.value("general.architecture")

    def value(self, key, otherwise=None):
        field = self.reader.get_field(key)
        return otherwise if field is None else field.contents()

    def own(self, key, otherwise=None):
        return self.value(f"{self.architecture}.{key}", otherwise)


def hub_name(name, modules):
    if name in NAMES:
        return NAMES[name]
    _, layer, module, leaf = name.split(".")
    return f"model.layers.{layer}.{modules[module]}.{leaf}"


def halves(rows, heads):
    """From pairs of neighbours to the halves of each head."""
    shape = rows.shape
    pairs = rows.reshape(heads, shape[0] // heads // 2, 2, *shape[1:])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(shape)


def hub_tensors(gguf):
    """(name, f32 array) of every tensor, one at a time."""
    gemma, llama = gguf.architecture == "gemma3", gguf.architecture == "llama"
    heads = gguf.own("attention.head_count")
    of_module = {"attn_q": heads, "attn_k": gguf.own("attention.head_count_kv", heads)}
    for tensor in gguf.reader.tensors:
        array = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        array = array.reshape([int(n) for n in reversed(tensor.shape)])
        module = tensor.name.split(".")[-2]
        if llama and module in of_module:
            array = halves(array, of_module[module])
        if gemma and module.endswith("norm"):
            array = array - 1
        yield hub_name(tensor.name, GEMMA_MODULES if gemma else MODULES), array


def bfloat16(array):
    """Rounded to nearest even, as uint16."""
    bits = array.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


ENCODE = {"F32": lambda a: np.ascontiguousarray(a, np.float32),
          "F16": lambda a: a.astype(np.float16), "BF16": bfloat16}


def write_safetensors(path, tensors, kind):
    """`tensors` are (name, array); matrices are stored as `kind`, vectors as F32."""
    table, at = {"__metadata__": {"format": "pt"}}, 0
    data = Path(f"{path}.data")
    with open(data, "wb") as file:
        for name, array in tensors:
            stored = kind if array.ndim > 1 else "F32"
            raw = ENCODE[stored](array).tobytes()
            table[name] = {"dtype": stored, "shape": list(array.shape),
                           "data_offsets": [at, at + len(raw)]}
            file.write(raw)
            at += len(raw)
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file, open(data, "rb") as content:
        file.write(struct.pack("<Q", len(text)) + text)
        while block := content.read(1 << 24):
            file.write(block)
    data.unlink()
    return [name for name in table if name != "__metadata__"]


def write_shards(folder, tensors, kind, count):
    """The same in `count` files with an index."""
    tensors, weight_map = list(tensors), {}
    for part in range(count):
        name = f"model-{part + 1:05d}-of-{count:05d}.safetensors"
        for tensor in write_safetensors(folder / name, tensors[part::count], kind):
            weight_map[tensor] = name
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def config(gguf):
    heads = gguf.own("attention.head_count")
    out = {"num_hidden_layers": gguf.own("block_count"),
           "hidden_size": gguf.own("embedding_length"),
           "intermediate_size": gguf.own("feed_forward_length"), "num_attention_heads": heads,
           "num_key_value_heads": gguf.own("attention.head_count_kv", heads),
           "max_position_embeddings": gguf.own("context_length"),
           "rms_norm_eps": float(gguf.own("attention.layer_norm_rms_epsilon")),
           "rope_theta": float(gguf.own("rope.freq_base", 10000.0)),
           "tie_word_embeddings": all(t.name != "output.weight" for t in gguf.reader.tensors),
           "eos_token_id": gguf.value("tokenizer.ggml.eos_token_id")}
    if gguf.architecture == "gemma3":
        layers = gguf.own("block_count")
        out |= {"model_type": "gemma3_text", "head_dim": gguf.own("attention.key_length"),
                "query_pre_attn_scalar": gguf.own("attention.key_length"),
                "sliding_window": gguf.own("attention.sliding_window"),
                "rope_local_base_freq": 10000.0, "hidden_activation": "gelu_pytorch_tanh",
                "layer_types": ["full_attention" if i % 6 == 5 else "sliding_attention"
                                for i in range(layers)]}
    else:
        out |= {"model_type": gguf.architecture, "hidden_act": "silu"}
    return out


def concatenations(tokens, kept):
    """SentencePiece's merges: every way to put a piece together, in the order of the pieces."""
    merges = []
    for piece in kept:
        ways = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))
                if piece[:cut] in tokens and piece[cut:] in tokens]
        merges += sorted(ways, key=lambda way: (tokens[way[0]], tokens[way[1]]))
    return merges


def tokenizer(gguf):
    """A tokenizer of Hugging Face's library from the vocabulary of the GGUF file."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    spellings = gguf.value("tokenizer.ggml.tokens")
    types = gguf.value("tokenizer.ggml.token_type")
    vocabulary = {spelling: i for i, spelling in enumerate(spellings)}
    if gguf.value("tokenizer.ggml.model") == "llama":
        normal = [s for s, kind in zip(spellings, types) if kind == 1]
        made = Tokenizer(models.BPE(vocabulary, concatenations(vocabulary, normal),
                                    unk_token="<unk>", fuse_unk=True, byte_fallback=True))
        made.normalizer = normalizers.Replace(" ", "▁")
        made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        merges = [tuple(line.split(" ", 1)) for line in gguf.value("tokenizer.ggml.merges")]
        made = Tokenizer(models.BPE(vocabulary, merges))
        bytes_of = pre_tokenizers.ByteLevel
        if gguf.value("tokenizer.ggml.pre") == "qwen2":
            made.normalizer = normalizers.NFC()
            steps = [pre_tokenizers.Split(Regex(QWEN2_CUT), "isolated"),
                     bytes_of(add_prefix_space=False, use_regex=False)]
        else:
            steps = [pre_tokenizers.Digits(individual_digits=True),
                     bytes_of(add_prefix_space=False, use_regex=True)]
        made.pre_tokenizer = pre_tokenizers.Sequence(steps)
    for spelling, kind in zip(spellings, types):
        token = AddedToken(spelling, normalized=False, special=kind == CONTROL)
        if kind == CONTROL:
            made.add_special_tokens([token])
        elif kind == USER_DEFINED:
            made.add_tokens([token])
    return made


def write_tokenizer(gguf, folder):
    tokenizer(gguf).save(str(folder / "tokenizer.json"))
    spellings = gguf.value("tokenizer.ggml.tokens")
    named = {}
    for key in ("bos", "eos"):
        token = gguf.value(f"tokenizer.ggml.{key}_token_id")
        if token is not None:
            named[f"{key}_token"] = spellings[token]
    settings = named | {"add_bos_token": bool(gguf.value("tokenizer.ggml.add_bos_token", False)),
                        "chat_template": gguf.value("tokenizer.chat_template", "")}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def write_hub(gguf_path, folder, kind, shards=1):
    """The model of a GGUF file as a hub's folder."""
    gguf = Gguf(gguf_path)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config(gguf)))
    write_tokenizer(gguf, folder)
    if shards == 1:
        write_safetensors(folder / "model.safetensors", hub_tensors(gguf), kind)
    else:
        write_shards(folder, hub_tensors(gguf), kind, shards)


def write_gguf(gguf_path, path, encode, **settings):
    """Copies a GGUF file; `encode` gives (array, type) of a tensor."""
    reader = GGUFReader(gguf_path)
    architecture = reader.get_field("general.architecture").contents()
    writer = GGUFWriter(path, architecture, **settings)
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        sub_type = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type)
    for tensor in reader.tensors:
        array, kind = encode(tensor)
        writer.add_tensor(tensor.name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_plain_gguf(gguf_path, path, kind):
    """The model with dequantised weights: matrices as `kind`, vectors as F32."""
    def encode(tensor):
        array = quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        array = array.reshape([int(n) for n in reversed(tensor.shape)])
        stored = kind if array.ndim > 1 else "F32"
        return ENCODE[stored](array), GGMLQuantizationType[stored]
    write_gguf(gguf_path, path, encode)


def write_split(gguf_path, folder, count):
    """The parts of a GGUF file, by gguf-py's own way to split."""
    most = -(-len(GGUFReader(gguf_path).tensors) // count)
    write_gguf(gguf_path, folder / "model.gguf", lambda t: (t.data, t.tensor_type),
               split_max_tensors=most)
    return sorted(folder.glob("model-*-of-*.gguf"))
