#include "text/whisper_vocabulary.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/whisper_tokens.h"

namespace tenwatt::text {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargestId = 60000;
constexpr int kTimestampSteps = 1500;

std::string timestamp_spelling(int step) {
  return fmt::format("<|{:.2f}|>", step * WhisperTokens::kSecondsPerTimestamp);
}

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

/// The spellings of all tokens that are not text, in the order of their ids.
std::vector<std::string> special_spellings(const WhisperTokens& layout) {
  std::vector<std::string> spellings = {"<|endoftext|>", "<|startoftranscript|>"};
  for (const WhisperLanguage& language : whisper_languages().first(layout.language_count)) {
    spellings.push_back(fmt::format("<|{}|>", language.code));
  }
  for (const char* name :
       {"translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"}) {
    spellings.push_back(fmt::format("<|{}|>", name));
  }
  for (int step = 0; step <= kTimestampSteps; ++step) spellings.push_back(timestamp_spelling(step));
  return spellings;
}

}  // namespace

Result<TokenizerSpec> whisper_spec_from_words(std::span<const std::string_view> words,
                                              int64_t vocabulary_size) {
  const WhisperTokens layout = TENWATT_TRY(WhisperTokens::of_size(vocabulary_size));
  const auto text_tokens = static_cast<size_t>(layout.end_of_text);
  if (words.size() < text_tokens) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} words where the vocabulary has {}", words.size(), text_tokens),
                "convert the model again with a current whisper.cpp");
  }
  std::vector<std::string> tokens;
  for (std::string_view word : words.first(text_tokens)) tokens.push_back(spelling_of_bytes(word));
  for (std::string& special : special_spellings(layout)) tokens.push_back(std::move(special));
  return spec_of(std::move(tokens));
}

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
    for (int step = 0; step <= kTimestampSteps; ++step) tokens.push_back(timestamp_spelling(step));
  }
  return spec_of(std::move(tokens));
}

}  // namespace tenwatt::text
