#include "files/gguf_rules.h"

#include <algorithm>
#include <string>

namespace tenwatt::files {
namespace {

constexpr int64_t kMaxLayers = 512;
constexpr int64_t kMaxExperts = 1024;

Status bounded(const GgufFile& file, const std::string& key, int64_t min, int64_t max) {
  if (file.find(key) == nullptr) return {};
  for (const int64_t value : TENWATT_TRY(file.integers(key))) {
    if (value >= min && value <= max) continue;
    return fail(ErrorCode::kCorrupt, key + " is " + std::to_string(value) + ", outside " +
                                         std::to_string(min) + " to " + std::to_string(max));
  }
  return {};
}

Status check_sizes(const GgufFile& file) {
  const std::string prefix = std::string(TENWATT_TRY(file.text("general.architecture", ""))) + ".";
  TENWATT_TRY(bounded(file, prefix + "block_count", 1, kMaxLayers));
  TENWATT_TRY(bounded(file, prefix + "expert_count", 0, kMaxExperts));
  const int64_t experts = TENWATT_TRY(file.integer(prefix + "expert_count", 0));
  return bounded(file, prefix + "expert_used_count", 0, experts);
}

// Scores and types are looked up by token id, so they may not be shorter than the vocabulary.
Status check_vocabulary(const GgufFile& file) {
  const GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  if (tokens == nullptr) return {};
  if (!tokens->is_array || tokens->type != GgufType::kString) {
    return fail(ErrorCode::kCorrupt, "tokenizer.ggml.tokens is not an array of strings");
  }
  for (const char* key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
    const GgufValue* list = file.find(key);
    if (list == nullptr || (list->is_array && list->count >= tokens->count)) continue;
    return fail(ErrorCode::kCorrupt, std::string(key) + " has fewer entries than the " +
                                         std::to_string(tokens->count) + " tokens");
  }
  const auto last = static_cast<int64_t>(tokens->count) - 1;
  for (const std::string_view key : file.keys()) {
    if (!key.starts_with("tokenizer.ggml.") || !key.ends_with("_token_id")) continue;
    // Writers put -1 (or its unsigned spelling) for "none".
    const int64_t id = TENWATT_TRY(file.integer(key));
    if (id == -1 || id == int64_t{0xffffffff}) continue;
    TENWATT_TRY(bounded(file, std::string(key), 0, last));
  }
  const GgmlTensor* embedding = file.find_tensor("token_embd.weight");
  if (embedding == nullptr || embedding->shape.empty()) return {};
  if (embedding->shape.front() <= last) {
    return fail(ErrorCode::kCorrupt, "token_embd.weight has " +
                                         std::to_string(embedding->shape.front()) + " rows for " +
                                         std::to_string(last + 1) + " tokens");
  }
  return {};
}

}  // namespace

Status check_gguf_rules(const GgufFile& file) {
  TENWATT_TRY(check_sizes(file));
  return check_vocabulary(file);
}

}  // namespace tenwatt::files
