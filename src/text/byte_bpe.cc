#include "text/byte_bpe.h"

#include <utility>

#include "text/byte_alphabet.h"
#include "text/merge_table.h"
#include "text/pretokenizer.h"
#include "text/vocabulary.h"

namespace tenwatt::text {
namespace {

/// Special tokens are spelled plainly, others in the byte alphabet.
std::vector<std::string> pieces_of(const TokenizerSpec& spec) {
  std::vector<std::string> pieces = spec.tokens;
  for (size_t id = 0; id < pieces.size(); ++id) {
    const bool plain = !spec.types.empty() && spec.types[id] != TokenType::kNormal;
    if (!plain) pieces[id] = bytes_of_spelling(pieces[id]);
  }
  return pieces;
}

class ByteBpe final : public VocabularyTokenizer {
 public:
  ByteBpe(const TokenizerSpec& spec, const PreTokenizer& pre, MergeTable merges)
      : VocabularyTokenizer(spec, pieces_of(spec)), pre_(pre), merges_(std::move(merges)) {}

  std::optional<TokenId> find(std::string_view spelling) const override {
    for (const Symbol symbol :
         {merges_.find(spelling), merges_.find(spelling_of_bytes(spelling))}) {
      const auto id = static_cast<TokenId>(symbol);
      if (symbol < merges_.token_count() && piece(id) == spelling) return id;
    }
    return std::nullopt;
  }

 private:
  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const override {
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
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_byte_bpe(TokenizerSpec spec) {
  const PreTokenizer* pre = TENWATT_TRY(find_pre_tokenizer(spec.pre));
  MergeTable merges = TENWATT_TRY(MergeTable::build(spec));
  if (!spec.add_bos) spec.add_bos = pre->adds_bos;
  return std::make_unique<ByteBpe>(spec, *pre, std::move(merges));
}

}  // namespace tenwatt::text
