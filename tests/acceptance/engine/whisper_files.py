"""Reads a CTranslate2 Whisper and writes the same weights as whisper.cpp's .bin or as a hub's folder.

Written from the published layout of the files; needs numpy, and gguf for the block formats.
"""
import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants

import hub_files

MAGIC = 0x67676D6C
# Name of a format: (ggml's type, the file's ftype).
FORMATS = {"f32": (0, 0), "f16": (1, 1), "q4_0": (2, 2), "q4_1": (3, 3), "q5_0": (6, 8),
           "q5_1": (7, 9), "q8_0": (8, 7)}
QUANTISED_FILE = 2000  # added to ftype since the second version of the block formats
KEPT_AS_F32 = ("positional_embedding", "conv1.bias", "conv2.bias")


class Ctranslate2:
    """The variables of a model.bin as numpy arrays."""

    TYPES = ["<f4", "i1", "<i2", "<i4", "<f2"]

    def __init__(self, path):
        self.data, self.at, self.variables = Path(path).read_bytes(), 0, {}
        assert self.number("<I") == 6 and self.text() == "WhisperSpec"
        self.number("<I")
        for _ in range(self.number("<I")):
            name, shape = self.text(), [self.number("<I") for _ in range(self.number("<B"))]
            kind, size = self.TYPES[self.number("<B")], self.number("<I")
            raw = self.data[self.at:self.at + size]
            self.variables[name] = np.frombuffer(raw, kind).reshape(shape)
            self.at += size

    def number(self, kind):
        value, = struct.unpack_from(kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        size = self.number("<H")
        value = self.data[self.at:self.at + size - 1].decode()
        self.at += size
        return value


def network(ct2):
    """The tensors under OpenAI's names, f32 for vectors and positions, else as stored."""
    v, out = ct2.variables, {}

    def linear(name, source, part=0, parts=1, bias=True):
        weight = v[source + "/weight"]
        rows = len(weight) // parts
        out[name + ".weight"] = weight[part * rows:(part + 1) * rows]
        if bias:
            out[name + ".bias"] = v[source + "/bias"][part * rows:(part + 1) * rows]

    def norm(name, source):
        out[name + ".weight"], out[name + ".bias"] = v[source + "/gamma"], v[source + "/beta"]

    for conv in ("conv1", "conv2"):
        out[f"encoder.{conv}.weight"] = v[f"encoder/{conv}/weight"]
        out[f"encoder.{conv}.bias"] = v[f"encoder/{conv}/bias"].reshape(-1, 1)
    out["decoder.token_embedding.weight"] = v["decoder/embeddings/weight"]
    for side in ("encoder", "decoder"):
        out[f"{side}.positional_embedding"] = v[f"{side}/position_encodings/encodings"]
        norm("encoder.ln_post" if side == "encoder" else "decoder.ln", f"{side}/layer_norm")
        layer = 0
        while f"{side}/layer_{layer}/ffn/linear_0/weight" in v:
            to, own = f"{side}.blocks.{layer}", f"{side}/layer_{layer}/self_attention"
            norm(f"{to}.attn_ln", f"{own}/layer_norm")
            linear(f"{to}.attn.query", f"{own}/linear_0", 0, 3)
            linear(f"{to}.attn.key", f"{own}/linear_0", 1, 3, bias=False)
            linear(f"{to}.attn.value", f"{own}/linear_0", 2, 3)
            linear(f"{to}.attn.out", f"{own}/linear_1")
            if side == "decoder":
                cross = f"{side}/layer_{layer}/attention"
                norm(f"{to}.cross_attn_ln", f"{cross}/layer_norm")
                linear(f"{to}.cross_attn.query", f"{cross}/linear_0")
                linear(f"{to}.cross_attn.key", f"{cross}/linear_1", 0, 2, bias=False)
                linear(f"{to}.cross_attn.value", f"{cross}/linear_1", 1, 2)
                linear(f"{to}.cross_attn.out", f"{cross}/linear_2")
            ffn = f"{side}/layer_{layer}/ffn"
            norm(f"{to}.mlp_ln", f"{ffn}/layer_norm")
            linear(f"{to}.mlp.0", f"{ffn}/linear_0")
            linear(f"{to}.mlp.2", f"{ffn}/linear_1")
            layer += 1
    for name, array in out.items():
        if array.ndim == 1 or name.endswith(KEPT_AS_F32):
            out[name] = array.astype(np.float32)
    return out


def mel_filters(count, bins=201, rate=16000, size=400):
    """Slaney's triangles, as in every Whisper."""
    def hertz(mel):
        mel = np.asarray(mel, np.float64)
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
    top = 15 + 27 * np.log(rate / 2 / 1000) / np.log(6.4)
    points = hertz(np.linspace(0, top, count + 2))
    line = np.arange(bins) * rate / size
    lower = (line - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
    upper = (points[2:, None] - line) / (points[2:] - points[1:-1])[:, None]
    area = 2 / (points[2:] - points[:-2])
    return (np.maximum(0, np.minimum(lower, upper)) * area[:, None]).astype(np.float32)


def byte_of_character():
    """The alphabet of byte-level vocabularies, from its characters to bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}


def words(folder, count):
    alphabet = byte_of_character()
    lines = (Path(folder) / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[:count]
    return [bytes(alphabet[c] for c in line) for line in lines]


def write_whisper_cpp(folder, path, number_format):
    """Writes the model of a CTranslate2 folder as `path`."""
    write_tensors(folder, path, network(Ctranslate2(Path(folder) / "model.bin")), number_format)


def write_dequantised(folder, path, number_format):
    """The numbers of write_whisper_cpp's file of that block format, stored as f32."""
    tensors = network(Ctranslate2(Path(folder) / "model.bin"))
    for name, array in tensors.items():
        if in_blocks(name, array):
            tensors[name] = quants.dequantize(in_format(array, number_format),
                                              GGMLQuantizationType[number_format.upper()])
    write_tensors(folder, path, tensors, "f32")


def write_tensors(folder, path, tensors, number_format):
    ggml_type, file_type = FORMATS[number_format]
    blocks = number_format.startswith("q")
    vocabulary, width = tensors["decoder.token_embedding.weight"].shape
    layers = [len([n for n in tensors if n.startswith(side) and n.endswith(".attn_ln.bias")])
              for side in ("encoder", "decoder")]
    mels = tensors["encoder.conv1.weight"].shape[1]
    rows = [len(tensors[f"{side}.positional_embedding"]) for side in ("encoder", "decoder")]
    with open(path, "wb") as file:
        file.write(struct.pack("<I11i", MAGIC, vocabulary, rows[0], width, width // 64, layers[0],
                               rows[1], width, width // 64, layers[1], mels,
                               file_type + QUANTISED_FILE * blocks))
        filters = mel_filters(mels)
        file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        text = words(folder, 50257 if vocabulary > 51864 else 50256)
        file.write(struct.pack("<i", len(text)))
        for word in text:
            file.write(struct.pack("<i", len(word)) + word)
        for name, array in tensors.items():
            write_tensor(file, name, array, number_format, ggml_type, blocks)


def in_blocks(name, array):
    return array.ndim == 2 and not name.endswith(KEPT_AS_F32)


def in_format(array, number_format):
    return quants.quantize(array.astype(np.float32), GGMLQuantizationType[number_format.upper()])


def write_tensor(file, name, array, number_format, ggml_type, blocks):
    kind, data = 0, array
    if array.ndim >= 2 and not name.endswith(KEPT_AS_F32):
        if blocks and in_blocks(name, array):
            kind, data = ggml_type, in_format(array, number_format)
        elif number_format != "f32":
            kind, data = 1, array.astype(np.float16)
        else:
            data = array.astype(np.float32)
    encoded = name.encode()
    file.write(struct.pack("<3i", array.ndim, len(encoded), kind))
    file.write(struct.pack(f"<{array.ndim}i", *reversed(array.shape)))
    file.write(encoded + np.ascontiguousarray(data).tobytes())


# OpenAI's name of a module: the hub's.
HUB_MODULES = {"ln_post": "layer_norm", "ln": "layer_norm", "attn_ln": "self_attn_layer_norm",
               "cross_attn_ln": "encoder_attn_layer_norm", "mlp_ln": "final_layer_norm",
               "mlp.0": "fc1", "mlp.2": "fc2", "positional_embedding": "embed_positions.weight",
               "token_embedding": "embed_tokens", "query": "q_proj", "key": "k_proj",
               "value": "v_proj", "out": "out_proj", "attn": "self_attn",
               "cross_attn": "encoder_attn", "blocks": "layers"}


def hub_name(name):
    parts = re.findall(r"mlp\.\d|[^.]+", name)
    return ".".join(["model", *(HUB_MODULES.get(part, part) for part in parts)])


def hub_config(tensors, heads):
    vocabulary, width = tensors["decoder.token_embedding.weight"].shape
    out = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
           "d_model": width, "vocab_size": vocabulary,
           "num_mel_bins": tensors["encoder.conv1.weight"].shape[1],
           "max_source_positions": len(tensors["encoder.positional_embedding"]),
           "max_target_positions": len(tensors["decoder.positional_embedding"])}
    for side in ("encoder", "decoder"):
        layers = [n for n in tensors if n.startswith(side) and n.endswith(".attn_ln.bias")]
        out |= {f"{side}_layers": len(layers), f"{side}_attention_heads": heads,
                f"{side}_ffn_dim": len(tensors[f"{side}.blocks.0.mlp.0.bias"])}
    return out


def write_hub(folder, target, kind, shards):
    """Writes the model of a CTranslate2 folder as a hub publishes Whisper, in `shards` files."""
    ct2 = Ctranslate2(Path(folder) / "model.bin")
    tensors = network(ct2)
    target.mkdir()
    config = hub_config(tensors, int(ct2.variables["encoder/num_heads"]))
    (target / "config.json").write_text(json.dumps(config))
    shutil.copyfile(Path(folder) / "tokenizer.json", target / "tokenizer.json")
    named = [(hub_name(name), array.reshape(-1) if array.shape[-1:] == (1,) else array)
             for name, array in tensors.items()]
    if shards == 1:
        hub_files.write_safetensors(target / "model.safetensors", named, kind)
    else:
        hub_files.write_shards(target, named, kind, shards)
