// SPDX-License-Identifier: GPL-3.0-or-later
// Text to phonemes by espeak-ng, as a program that answers requests over its standard streams (the
// protocol is in README.md). It is a process of its own because espeak-ng is GPL-3 and keeps global
// state. Debian's espeak-ng 1.51 doesn't tell how a clause ended, so that is read off the text that
// the call consumed: espeak stops one character into the next clause.
#include <espeak-ng/speak_lib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int kIpa = 0x02;

/// What espeak-ng makes of a punctuation mark, in the words of Piper's phonemiser.
struct Terminator {
  std::string_view mark;
  char spoken;  // '-' for none
  bool ends_sentence;
};

constexpr std::array kTerminators = {
    Terminator{".", '.', true},    Terminator{"?", '?', true},   Terminator{"!", '!', true},
    Terminator{",", ',', false},   Terminator{":", ':', false},  Terminator{";", ';', false},
    Terminator{"–", ';', false},   Terminator{"—", ';', false},  Terminator{"…", '-', false},
    Terminator{"...", '-', false}, Terminator{"。", '-', true},  Terminator{"！", '-', true},
    Terminator{"？", '-', true},   Terminator{"，", '-', false}, Terminator{"、", '-', false},
};
constexpr Terminator kNothing = {"", '-', false};
constexpr Terminator kParagraph = {"", '-', true};

constexpr std::array<std::string_view, 11> kClosers = {"\"", "'", ")", "]", "}", "”",
                                                       "’",  "»", "(", "[", "“"};

void drop_last_character(std::string_view& text) {
  while (!text.empty() && (text.back() & 0xC0) == 0x80) text.remove_suffix(1);
  if (!text.empty()) text.remove_suffix(1);
}

/// Takes white space off the end; tells whether a blank line was in it.
bool drop_space(std::string_view& text) {
  int newlines = 0;
  while (!text.empty() && std::strchr(" \t\r\n\v\f", text.back()) != nullptr) {
    newlines += text.back() == '\n' ? 1 : 0;
    text.remove_suffix(1);
  }
  return newlines >= 2;
}

bool drop_closer(std::string_view& text) {
  for (const std::string_view closer : kClosers) {
    if (!text.ends_with(closer)) continue;
    text.remove_suffix(closer.size());
    return true;
  }
  return false;
}

/// The mark that `text` ends with; three dots before one.
const Terminator* mark_at_end(std::string_view text) {
  if (text.ends_with("...")) return &kTerminators[9];
  for (const Terminator& entry : kTerminators) {
    if (text.ends_with(entry.mark)) return &entry;
  }
  return nullptr;
}

/// How a clause ended. `consumed` is what espeak took for it without its look at the next one.
Terminator terminator_of(std::string_view consumed, bool is_last) {
  bool blank_line = false;
  do {
    blank_line |= drop_space(consumed);
  } while (drop_closer(consumed));
  const Terminator* first = nullptr;
  while (const Terminator* mark = mark_at_end(consumed)) {
    first = mark;  // of "?!" the first mark counts
    consumed.remove_suffix(mark->mark.size());
  }
  if (blank_line) return kParagraph;
  if (first == nullptr) return is_last ? kParagraph : kNothing;
  return *first;
}

/// Takes out the "(en)" flags that espeak puts around words of another language.
std::string without_language_flags(std::string_view phonemes) {
  std::string out;
  while (!phonemes.empty()) {
    if (phonemes[0] == '(') {
      const size_t close = phonemes.find(')');
      if (close != std::string_view::npos && close > 1) {
        phonemes.remove_prefix(close + 1);
        continue;
      }
    }
    if (phonemes[0] != '\n') out += phonemes[0];
    phonemes.remove_prefix(1);
  }
  return out;
}

std::string phonemize(const std::string& text) {
  std::string out;
  const void* position = text.c_str();
  const char* const end = text.c_str() + text.size();
  while (position != nullptr) {
    const char* const begin = static_cast<const char*>(position);
    const char* phonemes = espeak_TextToPhonemes(&position, espeakCHARS_AUTO, kIpa);
    const bool is_last = position == nullptr;
    const char* after = is_last ? end : static_cast<const char*>(position);
    if (after < begin || after > end || (after == begin && !is_last)) break;
    std::string_view consumed(begin, static_cast<size_t>(after - begin));
    if (!is_last) drop_last_character(consumed);
    const std::string spoken = without_language_flags(phonemes == nullptr ? "" : phonemes);
    // Punctuation without a word before it is not a clause.
    const Terminator terminator =
        spoken.empty() ? (is_last ? kParagraph : kNothing) : terminator_of(consumed, is_last);
    out += terminator.spoken;
    out += terminator.ends_sentence ? " 1 " : " 0 ";
    out += spoken;
    out += '\n';
  }
  return out;
}

void answer(std::string_view verdict, std::string_view bytes) {
  std::printf("%.*s %zu\n", static_cast<int>(verdict.size()), verdict.data(), bytes.size());
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  std::fflush(stdout);
}

void answer_request(const char* voice, const std::string& text) {
  static std::string current;
  if (current != voice) {
    if (espeak_SetVoiceByName(voice) != EE_OK) {
      current.clear();
      answer("error", std::string("espeak-ng has no voice '") + voice + "'");
      return;
    }
    current = voice;
  }
  answer("ok", phonemize(text));
}

/// Answers requests until the input ends; false if a request can't be understood.
bool serve() {
  std::array<char, 256> line;
  while (std::fgets(line.data(), line.size(), stdin) != nullptr) {
    std::array<char, 101> voice;
    size_t length = 0;
    if (std::sscanf(line.data(), "phonemize %100s %zu", voice.data(), &length) != 2 ||
        length > kMostBytes) {
      answer("error", "a request is 'phonemize VOICE LENGTH' with at most 1048576 bytes");
      return false;
    }
    std::string text(length, '\0');
    if (std::fread(text.data(), 1, length, stdin) != length) return false;
    std::ranges::replace(text, '\0', ' ');
    answer_request(voice.data(), text);
  }
  return true;
}

}  // namespace

int main() {
  if (espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, nullptr, 0) < 0) {
    answer("error", "espeak-ng can't be initialised (is espeak-ng-data installed?)");
    return 1;
  }
  return serve() ? 0 : 1;
}
