// Cuts text that arrives in any pieces into what is spoken at a time: sentences, and the first
// clause of an answer early, so that speech can begin. The pieces together are the text, byte for
// byte; where they part depends on the text alone. Not a linguist: rules and a list of
// abbreviations for English, punctuation for the rest.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tenwatt::text {

/// Why a piece ends where it ends.
enum class Boundary {
  kSentence,  ///< at a full stop, question or exclamation mark
  kClause,    ///< at a comma, semicolon, colon or dash
  kLine,      ///< at a line break
  kLength,    ///< because it grew too long
  kEnd,       ///< because the text ended
};

/// A piece; may be white space only (then there is nothing to speak).
struct SpokenPiece {
  std::string text;
  Boundary boundary = Boundary::kEnd;
  bool operator==(const SpokenPiece&) const = default;
};

/// Lengths in bytes.
struct SplitterOptions {
  size_t first_clause = 24;  ///< the first piece may end at a clause from this length on
  size_t any_clause = 200;   ///< any piece may
  size_t longest = 400;      ///< a piece is cut at a space, or anywhere, beyond this
};

/// Not thread-safe.
class SentenceSplitter {
 public:
  explicit SentenceSplitter(SplitterOptions options = {}) : options_(options) {}

  /// The pieces that are complete now.
  std::vector<SpokenPiece> push(std::string_view text);

  /// The rest; the splitter is as new afterwards.
  std::vector<SpokenPiece> finish();

 private:
  enum class Input { kMayGrow, kComplete };
  void run(Input input, std::vector<SpokenPiece>& out);

  SplitterOptions options_;
  std::string held_;    // the current piece, not yet ended, and what is known after it
  size_t scanned_ = 0;  // no boundary before this
  bool is_first_ = true;
};

/// The pieces of a whole text.
std::vector<SpokenPiece> split_sentences(std::string_view text, SplitterOptions options = {});

}  // namespace tenwatt::text
