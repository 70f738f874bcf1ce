#include "text/whisper_vocabulary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "text/whisper_tokens.h"

namespace tenwatt::text {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargestId = 60000;

/// The spec of a complete list of spellings.
Result<TokenizerSpec> spec_of(std::vector<std::string> tokens) {
  const auto layout = WhisperTokens::of_size(static_cast<int64_t>(tokens.size()));
  if (!layout) return fail(ErrorCode::kCorrupt, layout.error().message, layout.error().remedy);
  TokenizerSpec spec;
  spec.pre = "gpt-2";
  spec.merge_rule = MergeRule::kConcatenation;
  spec.types.assign(tokens.size(), TokenType::kNormal);
  for (size_t id = static_cast<size_t>(layout->end_of_text); id < tokens.size(); ++id) {
    spec.types[id] = TokenType::kControl;
  }
  spec.tokens = std::move(tokens);
  spec.bos = layout->start_of_transcript;
  spec.eos = layout->end_of_text;
  return spec;
}

Status put(std::vector<std::string>& tokens, const Json& id, const std::string& spelling) {
  const int64_t at = id.is_number_integer() ? id.get<int64_t>() : -1;
  if (at < 0 || at > kLargestId) {
    return fail(ErrorCode::kCorrupt, "tokenizer.json: token '" + spelling + "' has no valid id");
  }
  if (tokens.size() <= static_cast<size_t>(at)) tokens.resize(at + 1);
  tokens[at] = spelling;
  return {};
}

Result<std::vector<std::string>> tokens_of(const Json& root) {
  std::vector<std::string> tokens;
  const Json* model = root.is_object() && root.contains("model") ? &root["model"] : nullptr;
  if (!model || !model->is_object() || !model->contains("vocab") ||
      !(*model)["vocab"].is_object()) {
    return fail(ErrorCode::kCorrupt, "tokenizer.json: no model.vocab");
  }
  for (const auto& [spelling, id] : (*model)["vocab"].items()) {
    TENWATT_TRY(put(tokens, id, spelling));
  }
  if (!root.contains("added_tokens") || !root["added_tokens"].is_array()) return tokens;
  for (const Json& entry : root["added_tokens"]) {
    if (!entry.is_object() || !entry.contains("id") || !entry.contains("content") ||
        !entry["content"].is_string()) {
      return fail(ErrorCode::kCorrupt, "tokenizer.json: an added token has no id or content");
    }
    TENWATT_TRY(put(tokens, entry["id"], entry["content"].get<std::string>()));
  }
  return tokens;
}

}  // namespace

Result<TokenizerSpec> whisper_spec_from_vocabulary(std::string_view vocabulary_txt) {
  std::vector<std::string> tokens;
  while (!vocabulary_txt.empty() && tokens.size() <= kLargestId) {
    const size_t end = vocabulary_txt.find('\n');
    std::string_view line = vocabulary_txt.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    tokens.emplace_back(line);
    vocabulary_txt.remove_prefix(end == std::string_view::npos ? vocabulary_txt.size() : end + 1);
  }
  return spec_of(std::move(tokens));
}

Result<TokenizerSpec> whisper_spec_from_tokenizer_json(std::string_view tokenizer_json) {
  const Json root = Json::parse(tokenizer_json, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return fail(ErrorCode::kCorrupt, "tokenizer.json: not valid JSON");
  std::vector<std::string> tokens = TENWATT_TRY(tokens_of(root));
  if (!tokens.empty() && tokens.back() == "<|notimestamps|>") {
    for (int step = 0; step <= 1500; ++step) {
      tokens.push_back(fmt::format("<|{:.2f}|>", step * WhisperTokens::kSecondsPerTimestamp));
    }
  }
  return spec_of(std::move(tokens));
}

}  // namespace tenwatt::text
