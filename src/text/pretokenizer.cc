#include "text/pretokenizer.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tenwatt::text {
namespace {

using Chars = std::span<const Char>;

bool is_space(const Char& c) { return c.kind == CharClass::kSpace; }
bool is_letter(const Char& c) { return c.kind == CharClass::kLetter; }
bool is_number(const Char& c) { return c.kind == CharClass::kNumber; }
bool is_mark(const Char& c) { return c.kind == CharClass::kMark; }
bool is_letter_or_mark(const Char& c) { return is_letter(c) || is_mark(c); }
bool is_newline(const Char& c) { return c.value == '\r' || c.value == '\n'; }
bool is_symbol(const Char& c) { return !is_space(c) && !is_letter(c) && !is_number(c); }
bool is_symbol_not_mark(const Char& c) { return is_symbol(c) && !is_mark(c); }

using Test = bool (*)(const Char&);

/// How many characters from `from` on pass the test, at most `most`.
size_t run(Chars rest, size_t from, Test test, size_t most = std::numeric_limits<size_t>::max()) {
  size_t count = 0;
  while (from + count < rest.size() && count < most && test(rest[from + count])) ++count;
  return count;
}

/// ` ?X+`
size_t after_optional_space(Chars rest, Test test) {
  const size_t skipped = rest[0].value == ' ' ? 1 : 0;
  const size_t count = run(rest, skipped, test);
  return count == 0 ? 0 : skipped + count;
}

enum class Case { kAsWritten, kEither };

/// `'s|'t|'re|'ve|'m|'ll|'d`
size_t contraction(Chars rest, Case casing) {
  constexpr std::array<std::u32string_view, 7> kEndings = {U"s", U"t",  U"re", U"ve",
                                                           U"m", U"ll", U"d"};
  if (rest[0].value != '\'') return 0;
  for (const auto ending : kEndings) {
    if (rest.size() <= ending.size()) continue;
    const bool same =
        std::ranges::equal(ending, rest.subspan(1, ending.size()), {}, {}, [casing](const Char& c) {
          const bool upper = c.value >= 'A' && c.value <= 'Z';
          return casing == Case::kEither && upper ? c.value + 32 : c.value;
        });
    if (same) return 1 + ending.size();
  }
  return 0;
}

/// `\s+(?!\S)|\s+`: a run of spaces leaves its last one to the word that follows.
size_t spaces(Chars rest) {
  const size_t count = run(rest, 0, is_space);
  if (count < 2 || count == rest.size()) return count;
  return count - 1;
}

/// `\s*[\r\n]+`: up to the last line break of a run of spaces.
size_t through_newline(Chars rest) {
  size_t count = run(rest, 0, is_space);
  while (count > 0 && !is_newline(rest[count - 1])) --count;
  return count;
}

size_t gpt2(Chars rest) {
  if (const size_t n = contraction(rest, Case::kAsWritten)) return n;
  if (const size_t n = after_optional_space(rest, is_letter)) return n;
  if (const size_t n = after_optional_space(rest, is_number)) return n;
  if (const size_t n = after_optional_space(rest, is_symbol)) return n;
  return spaces(rest);
}

struct WordRules {
  Test word = is_letter;
  Test symbol = is_symbol;
  size_t digits = 1;
};

/// The shape that Llama 3's and Qwen's expressions share.
size_t modern(Chars rest, const WordRules& rules) {
  if (const size_t n = contraction(rest, Case::kEither)) return n;
  const bool may_lead = !is_newline(rest[0]) && !is_letter(rest[0]) && !is_number(rest[0]);
  if (may_lead) {
    if (const size_t n = run(rest, 1, rules.word)) return 1 + n;
  }
  if (const size_t n = run(rest, 0, rules.word)) return n;
  if (const size_t n = run(rest, 0, is_number, rules.digits)) return n;
  if (const size_t n = after_optional_space(rest, rules.symbol)) {
    return n + run(rest, n, is_newline);
  }
  if (const size_t n = through_newline(rest)) return n;
  return spaces(rest);
}

size_t one_digit_words(Chars rest) { return modern(rest, {}); }
size_t three_digit_words(Chars rest) { return modern(rest, {.digits = 3}); }
size_t marked_words(Chars rest) {
  return modern(rest, {.word = is_letter_or_mark, .symbol = is_symbol_not_mark});
}

size_t one_number(Chars rest) { return is_number(rest[0]) ? 1 : 0; }
size_t numbers(Chars rest) { return run(rest, 0, is_number); }

/// `[0-9][0-9][0-9]`
size_t three_digits(Chars rest) {
  return run(
             rest, 0, [](const Char& c) { return c.value >= '0' && c.value <= '9'; }, 3) == 3
             ? 3
             : 0;
}

/// `[\p{P}\$\+<=>\^~\|]+`
size_t punctuation(Chars rest) {
  return run(rest, 0, [](const Char& c) {
    return c.kind == CharClass::kPunctuation ||
           (c.value < 128 && std::string_view("$+<=>^~|").contains(static_cast<char>(c.value)));
  });
}

constexpr std::array<Scanner, 1> kGpt2 = {gpt2};
constexpr std::array<Scanner, 2> kDigitsThenGpt2 = {one_number, gpt2};
constexpr std::array<Scanner, 1> kOneDigitWords = {one_digit_words};
constexpr std::array<Scanner, 1> kThreeDigitWords = {three_digit_words};
constexpr std::array<Scanner, 1> kMarkedWords = {marked_words};
constexpr std::array<Scanner, 4> kDefault = {punctuation, gpt2, numbers, three_digits};

struct Family {
  std::string_view names;  ///< separated by spaces
  PreTokenizer pre;
};

constexpr std::array kFamilies = {
    Family{"gpt-2 phi-2 olmo mpt jais exaone4 modern-bert gigachat", {kGpt2}},
    Family{"smollm starcoder refact command-r codeshell exaone minerva-7b", {kDigitsThenGpt2}},
    Family{"qwen2 stablelm2 deepseek-r1-qwen megrez hunyuan", {kOneDigitWords}},
    Family{"llama-bpe llama3 llama-v3 falcon3 falcon-h1 lfm2 pixtral",
           {kThreeDigitWords, true, true}},
    Family{"dbrx smaug-bpe chatglm-bpe", {kThreeDigitWords}},
    Family{"glm4", {kThreeDigitWords, true}},
    Family{"qwen35", {kMarkedWords}},
    Family{"default", {kDefault}},
};

bool lists_name(std::string_view names, std::string_view wanted) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    if (names.substr(0, end) == wanted) return true;
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return false;
}

std::vector<Char> decode(std::string_view text) {
  std::vector<Char> chars;
  chars.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_first(text.substr(at));
    chars.push_back({point.value, at, char_class(point.value)});
    at += point.bytes;
  }
  return chars;
}

/// Cuts one piece by one scanner: matches and the gaps between them, in order.
void cut(Chars piece, Scanner scan, std::vector<Chars>& out) {
  size_t gap = 0;
  for (size_t at = 0; at < piece.size();) {
    const size_t length = scan(piece.subspan(at));
    if (length == 0) {
      ++at;
      continue;
    }
    if (gap < at) out.push_back(piece.subspan(gap, at - gap));
    out.push_back(piece.subspan(at, length));
    at += length;
    gap = at;
  }
  if (gap < piece.size()) out.push_back(piece.subspan(gap));
}

}  // namespace

Result<const PreTokenizer*> find_pre_tokenizer(std::string_view name) {
  std::string known;
  for (const Family& family : kFamilies) {
    if (lists_name(family.names, name)) return &family.pre;
    known += known.empty() ? "" : " ";
    known += family.names;
  }
  return fail(ErrorCode::kUnsupported, "unknown pre-tokeniser '" + std::string(name) + "'",
              "Known ones: " + known + ".");
}

std::vector<std::string_view> split_pieces(const PreTokenizer& pre, std::string_view text) {
  const std::vector<Char> chars = decode(text);
  std::vector<Chars> pieces;
  if (!chars.empty()) pieces.push_back(chars);
  for (const Scanner step : pre.steps) {
    std::vector<Chars> finer;
    finer.reserve(pieces.size());
    for (const Chars piece : pieces) cut(piece, step, finer);
    pieces = std::move(finer);
  }
  std::vector<std::string_view> out;
  out.reserve(pieces.size());
  for (const Chars piece : pieces) {
    const size_t begin = piece.front().offset;
    const Char* after = piece.data() + piece.size();
    const size_t end = after == chars.data() + chars.size() ? text.size() : after->offset;
    out.push_back(text.substr(begin, end - begin));
  }
  return out;
}

}  // namespace tenwatt::text
