#include "text/abbreviations.h"

#include <algorithm>
#include <array>
#include <string>

#include "text/unicode.h"

namespace tenwatt::text {
namespace {

constexpr std::string_view kBeforeWord =
    " mr mrs ms mx dr prof st gen sen rep gov lt col sgt capt cpl maj adm rev hon pres fr mt fig "
    "figs no nos vol pp ed eds vs v cf approx ca e.g i.e viz resp eq sec ch art jan feb mar apr "
    "jun "
    "jul aug sep sept oct nov dec mon tue wed thu fri ";

constexpr std::string_view kAnywhere =
    " etc inc ltd co corp jr sr al ave blvd rd dept est min max hr hrs sec ft lb lbs oz a.m p.m "
    "ph.d b.sc m.sc b.a m.a d.c ";

bool lists(std::string_view words, std::string_view word) {
  return words.contains(" " + std::string(word) + " ");
}

/// "J", "U.S", "J.R.R": single letters with stops between.
bool is_initials(std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i) {
    const bool fits = i % 2 == 0 ? is_ascii_letter(word[i]) : word[i] == '.';
    if (!fits) return false;
  }
  return word.size() % 2 == 1;
}

}  // namespace

Abbreviation abbreviation(std::string_view word) {
  if (word.empty() || word.contains(' ')) return Abbreviation::kNone;
  const std::string lower = ascii_lower(word);
  if (lists(kAnywhere, lower)) return Abbreviation::kAnywhere;
  // "no", "art", "mar" and the like are words too; as abbreviations they open with a capital.
  constexpr std::string_view kAlsoWords =
      " no art mar jun sep dec sat sun mon wed fri fig ed mt st ";
  if (lists(kBeforeWord, lower)) {
    const bool is_word = lists(kAlsoWords, lower) && !is_ascii_upper(word[0]);
    if (lower == "no") return Abbreviation::kNone;  // "No." far more often answers than counts
    return is_word ? Abbreviation::kNone : Abbreviation::kBeforeWord;
  }
  if (!is_initials(word)) return Abbreviation::kNone;
  const bool one_capital = word.size() == 1 && is_ascii_upper(word[0]) && word != "I";
  return one_capital ? Abbreviation::kBeforeWord : Abbreviation::kAnywhere;
}

}  // namespace tenwatt::text
