"""One peer, loaded once and asked again and again: worker.py KIND MODEL [SETTING=VALUE...].

Reads a JSON object a line, measures what it asks for, answers with one a line; {} answers with who
the peer is. KIND is llama, whisper, piper or onnx. The peers run on two threads (THREADS) with the
settings that their own documentation recommends for speed.
"""
import json
import os
import sys
import time

THREADS = int(os.environ.get("THREADS", "2"))


def milliseconds(run):
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


class Llama:
    """llama.cpp as llama-bench runs it: random tokens, nothing sampled."""

    def __init__(self, path, flash="on"):
        import llama_cpp
        import numpy
        self.api, self.np = llama_cpp, numpy
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, None)
        self.quiet = quiet  # must outlive the library's use of it
        settings = llama_cpp.llama_context_default_params()
        self.model = llama_cpp.llama_model_load_from_file(
            path.encode(), llama_cpp.llama_model_default_params())
        settings.n_ctx, settings.n_batch, settings.n_ubatch = 1024, 512, 512
        settings.n_threads = settings.n_threads_batch = THREADS
        settings.flash_attn_type = (llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash == "on" else
                                    llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED)
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def about(self):
        return {"version": self.api.__version__,
                "build": self.api.llama_print_system_info().decode()}

    def decode(self, tokens):
        array = (self.api.llama_token * len(tokens))(*tokens)
        if self.api.llama_decode(self.context,
                                 self.api.llama_batch_get_one(array, len(tokens))) != 0:
            sys.exit("llama_decode failed")
        self.api.llama_synchronize(self.context)

    def forget(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def measure(self, prompt, generate):
        random = self.np.random.default_rng(1)
        tokens = random.integers(0, self.vocabulary, prompt + generate).tolist()
        self.forget()
        prefill = milliseconds(lambda: self.decode(tokens[:prompt]))
        self.forget()
        decode = milliseconds(lambda: [self.decode([token]) for token in tokens[prompt:]])
        return {"prefill_tok_s": 1000 * prompt / prefill, "decode_tok_s": 1000 * generate / decode}

    def perplexity(self, ids):
        batch = self.api.llama_batch_init(len(ids), 0, 1)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, i, 1
            batch.seq_id[i][0], batch.logits[i] = 0, 1
        batch.n_tokens = len(ids)
        self.forget()
        if self.api.llama_decode(self.context, batch) != 0:
            sys.exit("llama_decode failed")
        rows = self.np.ctypeslib.as_array(self.api.llama_get_logits(self.context),
                                          (len(ids), self.vocabulary)).astype(self.np.float64)
        rows -= rows.max(1, keepdims=True)
        rows -= self.np.log(self.np.exp(rows).sum(1, keepdims=True))
        self.api.llama_batch_free(batch)
        chosen = rows[self.np.arange(len(ids) - 1), ids[1:]]
        return {"perplexity": float(self.np.exp(-chosen.mean()))}


class Whisper:
    """faster-whisper, int8, greedy, no voice detection."""

    def __init__(self, path):
        import faster_whisper
        self.api = faster_whisper
        self.model = faster_whisper.WhisperModel(path, device="cpu", compute_type="int8",
                                                 cpu_threads=THREADS)

    def about(self):
        import ctranslate2
        return {"version": self.api.__version__, "build": f"CTranslate2 {ctranslate2.__version__}"}

    def measure(self, audio):
        samples = self.api.decode_audio(audio)
        text = []

        def run():
            segments, _ = self.model.transcribe(samples, language="en", beam_size=1,
                                                vad_filter=False)
            text[:] = [segment.text for segment in segments]

        wall = min(milliseconds(run) for _ in range(2))
        return {"wall_s": wall / 1000, "text": "".join(text).strip()}


class Piper:
    """piper-tts from text to samples."""

    def __init__(self, path):
        import onnxruntime
        import piper
        self.api = onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.voice = piper.PiperVoice.load(path)
        self.voice.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])

    def about(self):
        from importlib.metadata import version
        return {"version": version("piper-tts"), "build": f"onnxruntime {self.api.__version__}"}

    def measure(self, text):
        chunks = []
        wall = milliseconds(lambda: chunks.extend(self.voice.synthesize(text)))
        audio = sum(len(c.audio_int16_array) / c.sample_rate for c in chunks)
        return {"wall_s": wall / 1000, "audio_s": audio}


class Onnx:
    """onnxruntime with all optimisations."""

    def __init__(self, path):
        import numpy
        import onnxruntime
        self.api, self.np = onnxruntime, numpy
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])

    def about(self):
        return {"version": self.api.__version__, "build": "all optimisations"}

    def measure(self, inputs, repeat):
        feeds = {name: self.np.load(file) for name, file in inputs.items()}
        self.session.run(None, feeds)
        walls = sorted(milliseconds(lambda: self.session.run(None, feeds)) for _ in range(repeat))
        return {"wall_ms": walls[len(walls) // 2]}


KINDS = {"llama": Llama, "whisper": Whisper, "piper": Piper, "onnx": Onnx}


def main():
    kind, model, *settings = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")  # what the library itself prints goes to standard error
    os.dup2(2, 1)
    peer = KINDS[kind](model, **dict(setting.split("=", 1) for setting in settings))
    for line in sys.stdin:
        wanted = json.loads(line)
        if not wanted:
            answer = peer.about()
        elif "ids" in wanted:
            answer = peer.perplexity(wanted["ids"])
        else:
            answer = peer.measure(**wanted)
        print(json.dumps(answer), file=answers, flush=True)


main()
