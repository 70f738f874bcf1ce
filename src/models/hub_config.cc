#include "models/hub_config.h"

#include <array>
#include <cmath>
#include <numbers>

namespace tenwatt::models {
namespace {

using files::JsonView;

constexpr HubModule kLlamaModules[] = {
    {"input_layernorm", "attn_norm"},
    {"self_attn.q_proj", "attn_q", HubChange::kQueryRows},
    {"self_attn.k_proj", "attn_k", HubChange::kKeyRows},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};
constexpr HubModule kQwen2Modules[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};
constexpr HubModule kGemma3Modules[] = {
    {"input_layernorm", "attn_norm", HubChange::kAddOne},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm", HubChange::kAddOne},
    {"self_attn.k_norm", "attn_k_norm", HubChange::kAddOne},
    {"post_attention_layernorm", "post_attention_norm", HubChange::kAddOne},
    {"pre_feedforward_layernorm", "ffn_norm", HubChange::kAddOne},
    {"post_feedforward_layernorm", "post_ffw_norm", HubChange::kAddOne},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

constexpr std::array kFamilies = {
    HubFamily{"llama", "llama", "silu", kLlamaModules},
    HubFamily{"mistral", "llama", "silu", kLlamaModules},
    HubFamily{"qwen2", "qwen2", "silu", kQwen2Modules},
    HubFamily{"gemma3_text", "gemma3", "gelu_pytorch_tanh", kGemma3Modules, HubChange::kAddOne},
};

enum class Kind : uint8_t { kInteger, kReal };

/// config.json's key and GGUF's, below the name of the architecture.
struct Key {
  std::string_view hub;
  std::string_view gguf;
  Kind kind;
};
constexpr Key kKeys[] = {
    {"num_hidden_layers", "block_count", Kind::kInteger},
    {"hidden_size", "embedding_length", Kind::kInteger},
    {"intermediate_size", "feed_forward_length", Kind::kInteger},
    {"num_attention_heads", "attention.head_count", Kind::kInteger},
    {"num_key_value_heads", "attention.head_count_kv", Kind::kInteger},
    {"max_position_embeddings", "context_length", Kind::kInteger},
    {"head_dim", "attention.key_length", Kind::kInteger},
    {"head_dim", "attention.value_length", Kind::kInteger},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", Kind::kReal},
    {"rope_theta", "rope.freq_base", Kind::kReal},
};

std::unexpected<Error> unsupported(std::string message) {
  return fail(ErrorCode::kUnsupported, std::move(message), "use a GGUF file of the model");
}

class Reader {
 public:
  Reader(const JsonView& config, const HubFamily& family) : config_(config), family_(family) {}

  Result<HubConfig> read() {
    TENWATT_TRY(refuse_what_is_not_built());
    out_.values["general.architecture"] = std::string(family_.architecture);
    for (const Key& key : kKeys) TENWATT_TRY(copy(key));
    out_.heads = TENWATT_TRY(config_.integer("num_attention_heads", 0));
    const int64_t width = TENWATT_TRY(config_.integer("hidden_size", 0));
    if (out_.heads < 1 || out_.heads > kMostHeads || width < out_.heads || width > kWidest) {
      return fail(ErrorCode::kCorrupt, "num_attention_heads is " + std::to_string(out_.heads) +
                                           " over a hidden_size of " + std::to_string(width));
    }
    out_.kv_heads = TENWATT_TRY(config_.integer("num_key_value_heads", out_.heads));
    out_.head_dim = TENWATT_TRY(config_.integer("head_dim", width / out_.heads));
    out_.rope_base = TENWATT_TRY(config_.real("rope_theta", 10000));
    out_.tied = TENWATT_TRY(config_.flag("tie_word_embeddings", is_gemma()));
    TENWATT_TRY(read_rotary());
    if (is_gemma()) TENWATT_TRY(read_windows());
    return std::move(out_);
  }

 private:
  static constexpr int64_t kMostHeads = 1024;
  static constexpr int64_t kWidest = 1 << 17;
  static constexpr int64_t kMostLayers = 512;

  bool is_gemma() const { return family_.architecture == "gemma3"; }

  void set(std::string_view key, SourceValue value) {
    out_.values[std::string(family_.architecture) + "." + std::string(key)] = std::move(value);
  }

  Status copy(const Key& key) {
    if (config_.find(key.hub) == nullptr) return {};
    if (key.kind == Kind::kReal) {
      set(key.gguf, TENWATT_TRY(config_.real(key.hub, 0)));
    } else {
      set(key.gguf, TENWATT_TRY(config_.integer(key.hub, 0)));
    }
    return {};
  }

  Status refuse_what_is_not_built() const {
    if (config_.find("quantization_config") != nullptr) {
      return unsupported("the weights are quantised in a way of hubs");
    }
    const std::string activation = TENWATT_TRY(config_.text(
        "hidden_act", TENWATT_TRY(config_.text("hidden_activation", family_.activation))));
    if (activation != family_.activation) {
      return unsupported("the activation " + activation + " in place of " +
                         std::string(family_.activation));
    }
    if (TENWATT_TRY(config_.real("partial_rotary_factor", 1)) != 1) {
      return unsupported("a rotary embedding of a part of each head");
    }
    if (TENWATT_TRY(config_.flag("use_sliding_window", false))) {
      return unsupported("sliding windows in the family " + std::string(family_.model_type));
    }
    return {};
  }

  /// The angles' base and scaling: keys of their own, or (newer) together in rope_parameters, which
  /// gemma has once for each kind of layer.
  Status read_rotary() {
    JsonView full = TENWATT_TRY(config_.object("rope_parameters"));
    if (full.find("full_attention") != nullptr) {
      const JsonView windowed = TENWATT_TRY(full.object("sliding_attention"));
      if (windowed.find("rope_theta") != nullptr) {
        set("rope.freq_base_swa", TENWATT_TRY(windowed.real("rope_theta", 0)));
      }
      full = TENWATT_TRY(full.object("full_attention"));
    }
    if (full.find("rope_theta") != nullptr) {
      out_.rope_base = TENWATT_TRY(full.real("rope_theta", 0));
      set("rope.freq_base", out_.rope_base);
    } else if (is_gemma() && config_.find("rope_theta") == nullptr) {
      set("rope.freq_base", kGemmaRopeBase);
    }
    if (config_.find("rope_local_base_freq") != nullptr) {
      set("rope.freq_base_swa", TENWATT_TRY(config_.real("rope_local_base_freq", 0)));
    }
    const JsonView older = TENWATT_TRY(config_.object("rope_scaling"));
    TENWATT_TRY(read_scaling(older));
    return read_scaling(full);
  }
  static constexpr double kGemmaRopeBase = 1e6;

  Status read_scaling(const JsonView& scaling) {
    const std::string type =
        TENWATT_TRY(scaling.text("rope_type", TENWATT_TRY(scaling.text("type", "default"))));
    if (type == "default") return {};
    if (type == "linear") {
      set("rope.scaling.type", type);
      set("rope.scaling.factor", TENWATT_TRY(scaling.real("factor", 1)));
      return {};
    }
    if (type != "llama3" || family_.architecture != "llama") {
      return unsupported("rotary scaling '" + type + "'");
    }
    HubRotaryScaling llama3;
    llama3.factor = TENWATT_TRY(scaling.real("factor", llama3.factor));
    llama3.low_frequency_factor =
        TENWATT_TRY(scaling.real("low_freq_factor", llama3.low_frequency_factor));
    llama3.high_frequency_factor =
        TENWATT_TRY(scaling.real("high_freq_factor", llama3.high_frequency_factor));
    llama3.original_context =
        TENWATT_TRY(scaling.real("original_max_position_embeddings", llama3.original_context));
    const bool sane = llama3.factor >= 1 && llama3.low_frequency_factor > 0 &&
                      llama3.original_context >= 1 &&
                      llama3.high_frequency_factor > llama3.low_frequency_factor;
    if (!sane) {
      return fail(ErrorCode::kCorrupt, "the numbers of rope_scaling make no scaling");
    }
    out_.llama3_scaling = llama3;
    return {};
  }

  /// Which layers see a window, and how far; and that scores are scaled as the graph does it.
  Status read_windows() {
    if (config_.find("head_dim") == nullptr) {
      return fail(ErrorCode::kCorrupt, "there is no head_dim");
    }
    set("attention.sliding_window", TENWATT_TRY(config_.integer("sliding_window", 4096)));
    const std::vector<JsonView> types = TENWATT_TRY(config_.items("layer_types"));
    if (types.empty()) {
      set("attention.sliding_window_pattern",
          TENWATT_TRY(config_.integer("sliding_window_pattern", 6)));
    } else if (types.size() <= static_cast<size_t>(kMostLayers)) {
      std::vector<int64_t> windowed;
      for (const JsonView& type : types) {
        windowed.push_back(TENWATT_TRY(type.as_text()) == "sliding_attention" ? 1 : 0);
      }
      set("attention.sliding_window_pattern", std::move(windowed));
    }
    const int64_t scalar = TENWATT_TRY(config_.integer("query_pre_attn_scalar", out_.head_dim));
    const int64_t layers = TENWATT_TRY(config_.integer("num_hidden_layers", 0));
    const int64_t width = TENWATT_TRY(config_.integer("hidden_size", 0));
    constexpr int64_t kLayersOf27B = 62;  // models/gemma3.cc scales that one by another rule
    const int64_t built = layers == kLayersOf27B ? width / out_.heads : out_.head_dim;
    if (scalar == built) return {};
    return unsupported("scores scaled by the root of " + std::to_string(scalar) + " and not of " +
                       std::to_string(built));
  }

  const JsonView& config_;
  const HubFamily& family_;
  HubConfig out_;
};

}  // namespace

Result<const HubFamily*> find_hub_family(const JsonView& config) {
  const std::string type = TENWATT_TRY(config.text("model_type", ""));
  std::string known;
  for (const HubFamily& family : kFamilies) {
    if (family.model_type == type) return &family;
    known += (known.empty() ? "" : ", ") + std::string(family.model_type);
  }
  return fail(ErrorCode::kUnsupported, "the model type '" + type + "' is not built",
              "use a model of one of these types: " + known);
}

Result<HubConfig> read_hub_config(const JsonView& config, const HubFamily& family) {
  return Reader(config, family).read();
}

std::vector<float> rotary_factors(const HubRotaryScaling& scaling, double base, int64_t head_dim) {
  std::vector<float> factors;
  for (int64_t i = 0; i < head_dim / 2; ++i) {
    const double frequency =
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
    const double turns = scaling.original_context * frequency / (2 * std::numbers::pi);
    const double low = scaling.low_frequency_factor;
    const double high = scaling.high_frequency_factor;
    double factor = 1;
    if (turns < low) {
      factor = scaling.factor;
    } else if (turns <= high) {
      const double smooth = (turns - low) / (high - low);
      factor = 1 / ((1 - smooth) / scaling.factor + smooth);
    }
    factors.push_back(static_cast<float>(factor));
  }
  return factors;
}

}  // namespace tenwatt::models
