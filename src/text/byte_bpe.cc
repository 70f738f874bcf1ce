#include "text/byte_bpe.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "text/byte_alphabet.h"
#include "text/end_of_generation.h"
#include "text/merge_table.h"
#include "text/pretokenizer.h"
#include "text/special_tokens.h"

namespace tenwatt::text {
namespace {

/// A vocabulary of more tokens than this is not one of a language model.
constexpr size_t kMostTokens = size_t{1} << 24;

Status check_lengths(const TokenizerSpec& spec) {
  const size_t count = spec.tokens.size();
  if (count == 0 || count > kMostTokens) {
    return fail(ErrorCode::kCorrupt,
                "tokeniser has " + std::to_string(count) + " tokens, expected 1 to 2^24");
  }
  if (!spec.types.empty() && spec.types.size() < count) {
    return fail(ErrorCode::kCorrupt, "tokeniser has fewer token types than tokens");
  }
  if (!spec.scores.empty() && spec.scores.size() < count) {
    return fail(ErrorCode::kCorrupt, "tokeniser has fewer scores than tokens");
  }
  return {};
}

Status check_ids(const TokenizerSpec& spec) {
  const std::pair<std::string_view, std::optional<TokenId>> ids[] = {
      {"bos", spec.bos},         {"eos", spec.eos},         {"eot", spec.eot},
      {"eom", spec.eom},         {"unknown", spec.unknown}, {"padding", spec.padding},
      {"fim_pad", spec.fim_pad}, {"fim_rep", spec.fim_rep}, {"fim_sep", spec.fim_sep}};
  for (const auto& [name, id] : ids) {
    if (!id) continue;
    if (*id >= 0 && static_cast<size_t>(*id) < spec.tokens.size()) continue;
    return fail(ErrorCode::kCorrupt, "tokeniser's " + std::string(name) + " id " +
                                         std::to_string(*id) + " is outside its vocabulary");
  }
  return {};
}

class ByteBpe final : public Tokenizer {
 public:
  ByteBpe(TokenizerSpec spec, const PreTokenizer& pre, MergeTable merges)
      : pre_(pre),
        merges_(std::move(merges)),
        special_(spec),
        ends_(end_of_generation_tokens(spec)),
        types_(std::move(spec.types)),
        bos_(spec.bos),
        eos_(spec.eos),
        adds_bos_(spec.add_bos.value_or(pre.adds_bos) && spec.bos),
        adds_eos_(spec.add_eos.value_or(false) && spec.eos) {
    types_.resize(spec.tokens.size(), TokenType::kNormal);
    pieces_ = std::move(spec.tokens);
    for (size_t id = 0; id < pieces_.size(); ++id) {
      if (types_[id] == TokenType::kNormal) pieces_[id] = bytes_of_spelling(pieces_[id]);
    }
  }

  std::vector<TokenId> encode(std::string_view text, EncodeOptions options) const override {
    std::vector<TokenId> ids;
    const bool add = options.add == AddSpecial::kAsModelAsks;
    if (add && adds_bos_) ids.push_back(*bos_);
    for (const Fragment& fragment : special_.cut(text, options.special)) {
      if (fragment.token) {
        ids.push_back(*fragment.token);
      } else {
        encode_plain(fragment.text, ids);
      }
    }
    if (add && adds_eos_) ids.push_back(*eos_);
    return ids;
  }

  std::string_view piece(TokenId id) const override {
    return is_token(id) ? std::string_view(pieces_[id]) : std::string_view();
  }

  TokenType type(TokenId id) const override {
    return is_token(id) ? types_[id] : TokenType::kUnused;
  }

  std::optional<TokenId> find(std::string_view spelling) const override {
    // Special tokens are spelled plainly, others in the byte alphabet.
    for (const Symbol symbol :
         {merges_.find(spelling), merges_.find(spelling_of_bytes(spelling))}) {
      if (symbol < merges_.token_count() && pieces_[symbol] == spelling) {
        return static_cast<TokenId>(symbol);
      }
    }
    return std::nullopt;
  }

  bool is_end_of_generation(TokenId id) const override {
    return std::ranges::binary_search(ends_, id);
  }

  TokenId vocabulary_size() const override { return static_cast<TokenId>(pieces_.size()); }
  std::optional<TokenId> bos() const override { return bos_; }
  std::optional<TokenId> eos() const override { return eos_; }

 private:
  bool is_token(TokenId id) const { return id >= 0 && static_cast<size_t>(id) < pieces_.size(); }

  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
    for (const std::string_view piece : split_pieces(pre_, text)) {
      if (pre_.whole_piece_first) {
        const Symbol whole = merges_.find(spelling_of_bytes(piece));
        if (whole < merges_.token_count()) {
          ids.push_back(static_cast<TokenId>(whole));
          continue;
        }
      }
      for (const Symbol symbol : merges_.merge(piece)) append(symbol, ids);
    }
  }

  /// A merged string that the vocabulary lacks falls back to its characters; characters that are
  /// not tokens either are left out, as in the program that defined these files.
  void append(Symbol symbol, std::vector<TokenId>& ids) const {
    if (symbol < merges_.token_count()) {
      ids.push_back(static_cast<TokenId>(symbol));
      return;
    }
    for (const char byte : bytes_of_spelling(merges_.extra_spelling(symbol))) {
      const Symbol one = merges_.byte_symbol(static_cast<uint8_t>(byte));
      if (one < merges_.token_count()) ids.push_back(static_cast<TokenId>(one));
    }
  }

  const PreTokenizer& pre_;
  MergeTable merges_;
  SpecialTokens special_;
  std::vector<TokenId> ends_;  // ascending
  std::vector<TokenType> types_;
  std::vector<std::string> pieces_;
  std::optional<TokenId> bos_, eos_;
  bool adds_bos_, adds_eos_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_byte_bpe(TokenizerSpec spec) {
  TENWATT_TRY(check_lengths(spec));
  TENWATT_TRY(check_ids(spec));
  const PreTokenizer* pre = TENWATT_TRY(find_pre_tokenizer(spec.pre));
  MergeTable merges = TENWATT_TRY(MergeTable::build(spec));
  return std::make_unique<ByteBpe>(std::move(spec), *pre, std::move(merges));
}

}  // namespace tenwatt::text
