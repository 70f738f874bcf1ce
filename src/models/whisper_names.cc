// What each kind of file calls the tensors of Whisper: one row per module. In a pattern "@" stands
// for the side and "#" for the layer.
#include <array>

#include "models/whisper_source.h"

namespace tenwatt::models {
namespace {

/// What follows the pattern for a weight and for a bias.
enum class Ending : uint8_t { kWeightBias, kNorm, kNone };

struct Row {
  WhisperModule module;
  Ending ending;
  std::string_view openai;
  std::string_view ctranslate2;
  std::string_view hub;
  int8_t part = 0;  // of the rows that CTranslate2 stacks
  int8_t parts = 1;
};

using enum WhisperModule;
constexpr auto kLinear = Ending::kWeightBias;
constexpr auto kNorm = Ending::kNorm;
constexpr auto kWhole = Ending::kNone;

constexpr std::array kRows = {
    Row{kConv1, kLinear, "@.conv1", "@/conv1", "model.@.conv1"},
    Row{kConv2, kLinear, "@.conv2", "@/conv2", "model.@.conv2"},
    Row{kPositions, kWhole, "@.positional_embedding", "@/position_encodings/encodings",
        "model.@.embed_positions.weight"},
    Row{kEmbeddings, kWhole, "@.token_embedding.weight", "@/embeddings/weight",
        "model.@.embed_tokens.weight"},
    Row{kFinalNorm, kNorm, "@.ln", "@/layer_norm", "model.@.layer_norm"},
    Row{kSelfNorm, kNorm, "@.blocks.#.attn_ln", "@/layer_#/self_attention/layer_norm",
        "model.@.layers.#.self_attn_layer_norm"},
    Row{kSelfQuery, kLinear, "@.blocks.#.attn.query", "@/layer_#/self_attention/linear_0",
        "model.@.layers.#.self_attn.q_proj", 0, 3},
    Row{kSelfKey, kLinear, "@.blocks.#.attn.key", "@/layer_#/self_attention/linear_0",
        "model.@.layers.#.self_attn.k_proj", 1, 3},
    Row{kSelfValue, kLinear, "@.blocks.#.attn.value", "@/layer_#/self_attention/linear_0",
        "model.@.layers.#.self_attn.v_proj", 2, 3},
    Row{kSelfOut, kLinear, "@.blocks.#.attn.out", "@/layer_#/self_attention/linear_1",
        "model.@.layers.#.self_attn.out_proj"},
    Row{kCrossNorm, kNorm, "@.blocks.#.cross_attn_ln", "@/layer_#/attention/layer_norm",
        "model.@.layers.#.encoder_attn_layer_norm"},
    Row{kCrossQuery, kLinear, "@.blocks.#.cross_attn.query", "@/layer_#/attention/linear_0",
        "model.@.layers.#.encoder_attn.q_proj"},
    Row{kCrossKey, kLinear, "@.blocks.#.cross_attn.key", "@/layer_#/attention/linear_1",
        "model.@.layers.#.encoder_attn.k_proj", 0, 2},
    Row{kCrossValue, kLinear, "@.blocks.#.cross_attn.value", "@/layer_#/attention/linear_1",
        "model.@.layers.#.encoder_attn.v_proj", 1, 2},
    Row{kCrossOut, kLinear, "@.blocks.#.cross_attn.out", "@/layer_#/attention/linear_2",
        "model.@.layers.#.encoder_attn.out_proj"},
    Row{kFeedForwardNorm, kNorm, "@.blocks.#.mlp_ln", "@/layer_#/ffn/layer_norm",
        "model.@.layers.#.final_layer_norm"},
    Row{kUp, kLinear, "@.blocks.#.mlp.0", "@/layer_#/ffn/linear_0", "model.@.layers.#.fc1"},
    Row{kDown, kLinear, "@.blocks.#.mlp.2", "@/layer_#/ffn/linear_1", "model.@.layers.#.fc2"},
};

const Row& row_of(WhisperModule module) { return kRows[static_cast<size_t>(module)]; }

std::string_view pattern_of(WhisperNaming naming, const Row& row) {
  if (naming == WhisperNaming::kCtranslate2) return row.ctranslate2;
  return naming == WhisperNaming::kHub ? row.hub : row.openai;
}

std::string_view ending_of(WhisperNaming naming, Ending ending, WhisperLeaf leaf) {
  const bool weight = leaf == WhisperLeaf::kWeight;
  if (ending == Ending::kNone) return "";
  if (naming != WhisperNaming::kCtranslate2) return weight ? ".weight" : ".bias";
  if (ending == Ending::kNorm) return weight ? "/gamma" : "/beta";
  return weight ? "/weight" : "/bias";
}

std::string expand(std::string_view pattern, const WhisperPlace& place) {
  std::string name;
  for (const char c : pattern) {
    if (c == '@') {
      name += place.side == WhisperSide::kEncoder ? "encoder" : "decoder";
    } else if (c == '#') {
      name += std::to_string(place.layer);
    } else {
      name += c;
    }
  }
  return name;
}

}  // namespace

WhisperName whisper_name(WhisperNaming naming, const WhisperPlace& place) {
  const Row& row = row_of(place.module);
  std::string name = expand(pattern_of(naming, row), place);
  // The one name that OpenAI gives differently on its two sides.
  if (naming == WhisperNaming::kOpenAi && place.module == kFinalNorm &&
      place.side == WhisperSide::kEncoder) {
    name += "_post";
  }
  name += ending_of(naming, row.ending, place.leaf);
  if (naming != WhisperNaming::kCtranslate2) return {std::move(name), 0, 1};
  return {std::move(name), row.part, row.parts};
}

}  // namespace tenwatt::models
