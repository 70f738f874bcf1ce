#include "text/sentencepiece.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "text/pair_merging.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace tenwatt::text {
namespace {

/// How a space is spelled in the vocabulary.
constexpr std::string_view kSpace = "\u2581";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  for (size_t found = text.find(from); found != std::string_view::npos; found = text.find(from)) {
    out.append(text.substr(0, found)).append(to);
    text.remove_prefix(found + from.size());
  }
  return out.append(text);
}

TokenType type_of(const TokenizerSpec& spec, size_t id) {
  return spec.types.empty() ? TokenType::kNormal : spec.types[id];
}

/// The byte of a spelling like `<0x0A>`.
std::optional<uint8_t> byte_of(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling.back() != '>') {
    return std::nullopt;
  }
  uint8_t byte = 0;
  const char* const end = spelling.data() + 5;
  const auto read = std::from_chars(spelling.data() + 3, end, byte, 16);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return byte;
}

std::vector<std::string> pieces_of(const TokenizerSpec& spec) {
  std::vector<std::string> pieces;
  pieces.reserve(spec.tokens.size());
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    const std::string& spelling = spec.tokens[id];
    const TokenType type = type_of(spec, id);
    const auto byte = type == TokenType::kByte ? byte_of(spelling) : std::nullopt;
    if (byte) {
      pieces.emplace_back(1, static_cast<char>(*byte));
    } else {
      pieces.push_back(type == TokenType::kNormal ? replaced(spelling, kSpace, " ") : spelling);
    }
  }
  return pieces;
}

enum class SpacePrefix : uint8_t { kNone, kAdd };

class SentencePiece final : public VocabularyTokenizer {
 public:
  explicit SentencePiece(TokenizerSpec spec)
      : VocabularyTokenizer(spec, pieces_of(spec)),
        spellings_(std::move(spec.tokens)),
        scores_(std::move(spec.scores)),
        prefix_(spec.add_space_prefix.value_or(true) ? SpacePrefix::kAdd : SpacePrefix::kNone) {
    bytes_.fill(spec.unknown);
    ids_.reserve(spellings_.size());
    for (size_t i = 0; i < spellings_.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      const TokenType type = this->type(id);
      const auto byte = type == TokenType::kByte ? byte_of(spellings_[i]) : std::nullopt;
      if (byte) bytes_[*byte] = id;
      if (!may_be_text(type) || spellings_[i].empty()) continue;
      ids_.try_emplace(spellings_[i], id);
      longest_ = std::max(longest_, spellings_[i].size());
    }
  }

  std::optional<TokenId> find(std::string_view spelling) const override {
    const std::string spaced = replaced(spelling, " ", kSpace);
    if (const auto entry = ids_.find(spaced); entry != ids_.end()) return entry->second;
    const auto plain = std::ranges::find(spellings_, spelling);
    if (plain == spellings_.end()) return std::nullopt;
    const auto id = static_cast<TokenId>(plain - spellings_.begin());
    return piece(id) == spelling ? std::optional(id) : std::nullopt;
  }

  std::string decode(std::span<const TokenId> ids, ControlTokens control) const override {
    std::string text = Tokenizer::decode(ids, control);
    const bool begins_plain = !ids.empty() && type(ids.front()) == TokenType::kNormal;
    if (prefix_ == SpacePrefix::kAdd && begins_plain && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

 private:
  /// Control, unknown and byte tokens are never what a text's own characters merge to, so that
  /// text can't smuggle them in.
  static bool may_be_text(TokenType type) {
    return type == TokenType::kNormal || type == TokenType::kUserDefined;
  }

  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const override {
    std::string spaced = replaced(text, " ", kSpace);
    if (prefix_ == SpacePrefix::kAdd) spaced.insert(0, kSpace);
    for (const std::string_view part : merged(spaced)) {
      if (const auto entry = ids_.find(part); entry != ids_.end()) {
        ids.push_back(entry->second);
        continue;
      }
      for (const char byte : part) {
        if (const auto id = bytes_[static_cast<uint8_t>(byte)]) ids.push_back(*id);
      }
    }
  }

  /// The stretches of a text that its merges end with.
  std::vector<std::string_view> merged(std::string_view text) const {
    std::vector<std::string_view> characters;
    characters.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const size_t bytes = decode_first(text.substr(at)).bytes;
      characters.push_back(text.substr(at, bytes));
      at += bytes;
    }
    using Merge = PairMerge<std::string_view, float>;
    return merge_pairs<float>(
        std::move(characters),
        [this](std::string_view left, std::string_view right) -> std::optional<Merge> {
          const std::string_view both(left.data(), left.size() + right.size());
          if (both.size() > longest_) return std::nullopt;
          const auto entry = ids_.find(both);
          if (entry == ids_.end()) return std::nullopt;
          return Merge{-scores_[static_cast<size_t>(entry->second)], both};
        });
  }

  std::vector<std::string> spellings_;
  std::vector<float> scores_;
  std::unordered_map<std::string_view, TokenId> ids_;  // of what text may merge to; in spellings_
  std::array<std::optional<TokenId>, 256> bytes_{};    // the unknown token where one is missing
  size_t longest_ = 0;                                 // bytes of a spelling
  SpacePrefix prefix_;
};

/// An id that a file of this kind need not name, where the vocabulary has it.
std::optional<TokenId> id_or(std::optional<TokenId> id, TokenId otherwise, size_t tokens) {
  if (id || static_cast<size_t>(otherwise) >= tokens) return id;
  return otherwise;
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_sentencepiece(TokenizerSpec spec) {
  if (spec.scores.empty()) {
    return fail(ErrorCode::kCorrupt, "the SentencePiece vocabulary has no scores");
  }
  spec.unknown = id_or(spec.unknown, 0, spec.tokens.size());
  spec.bos = id_or(spec.bos, 1, spec.tokens.size());
  spec.eos = id_or(spec.eos, 2, spec.tokens.size());
  if (!spec.add_bos) spec.add_bos = true;
  return std::make_unique<SentencePiece>(std::move(spec));
}

}  // namespace tenwatt::text
