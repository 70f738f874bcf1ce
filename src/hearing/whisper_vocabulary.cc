#include "hearing/whisper_vocabulary.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "text/unicode.h"
#include "text/whisper_vocabulary.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

constexpr std::uintmax_t kLargestFile = 64U << 20;

Result<std::string> read_text(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error)
    return fail(ErrorCode::kNotFound, fmt::format("{}: {}", path.string(), error.message()));
  if (size > kLargestFile) {
    return fail(ErrorCode::kOutOfRange,
                fmt::format("{}: {} bytes are too many for a vocabulary", path.string(), size));
  }
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return fail(ErrorCode::kIo, fmt::format("{}: can't be read", path.string()));
  return content;
}

Result<text::TokenizerSpec> read_spec(const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder / "vocabulary.txt")) {
    return text::whisper_spec_from_vocabulary(TENWATT_TRY(read_text(folder / "vocabulary.txt")));
  }
  return text::whisper_spec_from_tokenizer_json(TENWATT_TRY(read_text(folder / "tokenizer.json")));
}

}  // namespace

Result<WhisperVocabulary> WhisperVocabulary::load(const std::string& folder) {
  auto spec = read_spec(folder);
  if (!spec) return fail_in(folder, spec.error());
  WhisperVocabulary vocabulary;
  vocabulary.tokens =
      TENWATT_TRY(text::WhisperTokens::of_size(static_cast<int64_t>(spec->tokens.size())));
  vocabulary.tokenizer = TENWATT_TRY(text::make_tokenizer(std::move(*spec)));
  vocabulary.suppressed = text::suppressed_tokens(*vocabulary.tokenizer, vocabulary.tokens);
  vocabulary.suppressed_first = vocabulary.tokenizer->encode(" ");
  vocabulary.suppressed_first.push_back(vocabulary.tokens.end_of_text);
  return vocabulary;
}

std::string WhisperVocabulary::text_of(std::span<const TokenId> ids) const {
  std::string bytes;
  for (TokenId id : ids) {
    if (tokens.is_text(id)) bytes += tokenizer->piece(id);
  }
  return valid_utf8(bytes);
}

std::string valid_utf8(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::string valid;
  while (!text.empty()) {
    const text::CodePoint point = text::decode_first(text);
    text::append_utf8(valid, point.value == text::kNotUtf8 ? kReplacement : point.value);
    text.remove_prefix(point.bytes);
  }
  return valid;
}

}  // namespace tenwatt::hearing
