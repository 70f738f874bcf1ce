#include "models/language_model.h"

#include <algorithm>
#include <array>

#include "models/gemma3.h"
#include "models/llama.h"
#include "models/qwen2.h"

namespace tenwatt::models {
namespace {

using Build = Result<graph::Graph> (*)(const ModelSource&, const TransformerShape&,
                                       const LanguageModelOptions&);

/// One row per value of `general.architecture`.
struct Family {
  std::string_view architecture;
  Build build;
};
constexpr std::array kFamilies = {
    Family{"llama", build_llama},
    Family{"qwen2", build_qwen2},
    Family{"gemma3", build_gemma3},
};

Result<Build> find_family(std::string_view architecture) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.architecture == architecture) return family.build;
    known += (known.empty() ? "" : ", ") + std::string(family.architecture);
  }
  return fail(ErrorCode::kUnsupported,
              "the model family '" + std::string(architecture) + "' is not built",
              "use a model of one of these families: " + known);
}

Status check_range(const std::string& key, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::kCorrupt, key + " is " + std::to_string(value) + ", outside " +
                                       std::to_string(low) + ".." + std::to_string(high));
}

/// The number under `key`, within low..high; kCorrupt for others and for what is no number.
Result<float> real_within(const ModelSource& source, const std::string& key,
                          std::optional<double> otherwise, double low, double high) {
  const double value =
      otherwise ? TENWATT_TRY(source.real(key, *otherwise)) : TENWATT_TRY(source.real(key));
  if (value >= low && value <= high) return static_cast<float>(value);
  return fail(ErrorCode::kCorrupt, key + " is " + std::to_string(value));
}

/// What a decoded token reads: every matrix but an embedding table that is not the output too.
size_t bytes_per_token(const ModelSource& source) {
  const bool tied = source.find_tensor("output.weight") == nullptr;
  size_t bytes = 0;
  for (const SourceTensor& tensor : source.tensors()) {
    if (tensor.name == "token_embd.weight" && !tied) continue;
    bytes += tensor.bytes;
  }
  return bytes;
}

}  // namespace

Result<TransformerShape> read_transformer_shape(const ModelSource& source,
                                                const std::string& architecture) {
  const std::string a = architecture + ".";
  TransformerShape shape;
  shape.layers = TENWATT_TRY(source.integer(a + "block_count"));
  shape.width = TENWATT_TRY(source.integer(a + "embedding_length"));
  shape.feed_forward = TENWATT_TRY(source.integer(a + "feed_forward_length"));
  shape.heads = TENWATT_TRY(source.integer(a + "attention.head_count"));
  shape.context = TENWATT_TRY(source.integer(a + "context_length"));
  TENWATT_TRY(check_range(a + "block_count", shape.layers, 1, 512));
  TENWATT_TRY(check_range(a + "embedding_length", shape.width, 32, 1 << 17));
  TENWATT_TRY(check_range(a + "feed_forward_length", shape.feed_forward, 32, 1 << 20));
  TENWATT_TRY(check_range(a + "attention.head_count", shape.heads, 1, 1024));
  TENWATT_TRY(check_range(a + "context_length", shape.context, 1, 1 << 24));
  shape.kv_heads = TENWATT_TRY(source.integer(a + "attention.head_count_kv", shape.heads));
  TENWATT_TRY(check_range(a + "attention.head_count_kv", shape.kv_heads, 1, shape.heads));
  shape.head_dim =
      TENWATT_TRY(source.integer(a + "attention.key_length", shape.width / shape.heads));
  TENWATT_TRY(check_range(a + "attention.key_length", shape.head_dim, 2, 1024));
  const int64_t value_dim =
      TENWATT_TRY(source.integer(a + "attention.value_length", shape.head_dim));
  if (value_dim != shape.head_dim) {
    return fail(ErrorCode::kUnsupported, "keys and values of different sizes");
  }
  if (shape.heads % shape.kv_heads != 0) {
    return fail(ErrorCode::kCorrupt, std::to_string(shape.heads) + " heads don't share " +
                                         std::to_string(shape.kv_heads) + " key-value heads");
  }
  shape.rotary_dim = TENWATT_TRY(source.integer(a + "rope.dimension_count", shape.head_dim));
  TENWATT_TRY(check_range(a + "rope.dimension_count", shape.rotary_dim, 2, shape.head_dim));
  shape.rope_base = TENWATT_TRY(real_within(source, a + "rope.freq_base", 10000.0, 1, 1e15));
  shape.norm_epsilon =
      TENWATT_TRY(real_within(source, a + "attention.layer_norm_rms_epsilon", std::nullopt, 0, 1));
  const std::string scaling = TENWATT_TRY(source.text(a + "rope.scaling.type", "linear"));
  const float factor = TENWATT_TRY(real_within(source, a + "rope.scaling.factor", 1.0, 1e-6, 1e6));
  if (scaling != "none" && scaling != "linear" && factor != 1.0f) {
    return fail(ErrorCode::kUnsupported, "rotary scaling '" + scaling + "' is not built");
  }
  if (scaling == "linear") shape.rope_scale = 1.0f / factor;
  const SourceTensor* table = source.find_tensor("token_embd.weight");
  if (table == nullptr || table->shape.size() != 2) {
    return fail(ErrorCode::kCorrupt, "there is no table token_embd.weight");
  }
  shape.vocabulary = table->shape[0];
  return shape;
}

namespace {

Result<LanguageModel> make_language_model(const ModelSource& source,
                                          const LanguageModelOptions& options) {
  LanguageModel model;
  model.architecture = TENWATT_TRY(source.text("general.architecture"));
  model.name = TENWATT_TRY(source.text("general.name", model.architecture));
  const Build build = TENWATT_TRY(find_family(model.architecture));
  TransformerShape shape = TENWATT_TRY(read_transformer_shape(source, model.architecture));
  if (options.context > 0) shape.context = std::min(shape.context, options.context);
  model.tokenizer = TENWATT_TRY(source.tokenizer());
  if (static_cast<int64_t>(model.tokenizer.tokens.size()) < shape.vocabulary) {
    return fail(ErrorCode::kCorrupt, "the tokeniser has fewer tokens than the embedding has rows");
  }
  model.graph = TENWATT_TRY(build(source, shape, options));
  model.chat_template = TENWATT_TRY(source.text("tokenizer.chat_template", ""));
  model.context = shape.context;
  model.vocabulary = shape.vocabulary;
  model.bytes_per_token = bytes_per_token(source);
  return model;
}

/// The reader of the file has said where it is; a file that is no model at all needs a way on.
std::unexpected<Error> with_remedy(Error error) {
  if (error.remedy.empty()) error.remedy = "tenwatt list shows models that can be had by name";
  return std::unexpected(std::move(error));
}

}  // namespace

Result<LanguageModel> read_language_model(const std::string& path,
                                          const LanguageModelOptions& options) {
  const auto source = open_model_source(path);
  if (!source) return with_remedy(source.error());
  auto model = make_language_model(**source, options);
  if (!model) return with_remedy(fail_in(path, model.error()).error());
  return model;
}

Result<text::TokenizerSpec> read_language_tokenizer(const std::string& path) {
  const auto source = open_model_source(path);
  if (!source) return with_remedy(source.error());
  auto spec = (*source)->tokenizer();
  if (!spec) return with_remedy(fail_in(path, spec.error()).error());
  return spec;
}

}  // namespace tenwatt::models
