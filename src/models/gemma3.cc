#include "models/gemma3.h"

#include <cmath>

#include "models/transformer.h"

namespace tenwatt::models {
namespace {

/// What files leave out: every sixth layer sees everything, the others rotate with this base.
constexpr int64_t kPeriod = 6;
constexpr double kWindowedRopeBase = 10000.0;
/// The layers of the 27B model, which scales its scores by the width of a head of the hidden row
/// where the others take the head's own. No key says so.
constexpr int64_t kLayersOf27B = 62;

enum class Sight : uint8_t { kAll, kWindow };

/// By layer. The key holds one flag per layer (1: window), or the number of layers from one that
/// sees everything to the next.
Result<std::vector<Sight>> read_pattern(const ModelSource& source, int64_t layers) {
  const std::string key = "gemma3.attention.sliding_window_pattern";
  const std::vector<int64_t> pattern =
      source.has(key) ? TENWATT_TRY(source.integers(key)) : std::vector{kPeriod};
  const bool is_period = pattern.size() == 1;
  if (is_period ? pattern[0] < 1 : static_cast<int64_t>(pattern.size()) < layers) {
    return fail(ErrorCode::kCorrupt, key + " is neither a period nor one flag per layer");
  }
  std::vector<Sight> sight;
  for (int64_t layer = 0; layer < layers; ++layer) {
    const bool window =
        is_period ? (layer + 1) % pattern[0] != 0 : pattern[static_cast<size_t>(layer)] != 0;
    sight.push_back(window ? Sight::kWindow : Sight::kAll);
  }
  return sight;
}

Result<LayerAttention> read_windowed(const ModelSource& source) {
  const std::string window_key = "gemma3.attention.sliding_window";
  const int64_t window = TENWATT_TRY(source.integer(window_key));
  if (window < 1) {
    return fail(ErrorCode::kCorrupt, window_key + " is " + std::to_string(window));
  }
  const std::string base_key = "gemma3.rope.freq_base_swa";
  const double base = TENWATT_TRY(source.real(base_key, kWindowedRopeBase));
  const bool sane = base >= 1 && base <= 1e15;  // no NaN either
  if (!sane) {
    return fail(ErrorCode::kCorrupt, base_key + " is " + std::to_string(base));
  }
  return LayerAttention{.window = window, .rope_base = static_cast<float>(base)};
}

}  // namespace

Result<graph::Graph> build_gemma3(const ModelSource& source, const TransformerShape& shape,
                                  const LanguageModelOptions& options) {
  TransformerStyle style = plain_style(shape);
  style.head_norm = HeadNorm::kQueryAndKey;
  style.branch_norm = BranchNorm::kBeforeAndAfter;
  style.activation = "gelu_tanh";
  style.embedding_scale = std::sqrt(static_cast<float>(shape.width));
  if (shape.layers == kLayersOf27B) {
    style.attention_scale =
        1.0f / std::sqrt(static_cast<float>(shape.width) / static_cast<float>(shape.heads));
  }
  const LayerAttention windowed = TENWATT_TRY(read_windowed(source));
  const std::vector<Sight> sight = TENWATT_TRY(read_pattern(source, shape.layers));
  for (size_t layer = 0; layer < sight.size(); ++layer) {
    if (sight[layer] == Sight::kWindow) style.layers[layer] = windowed;
  }
  return build_transformer(source, shape, style, options);
}

}  // namespace tenwatt::models
