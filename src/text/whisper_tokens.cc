#include "text/whisper_tokens.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "text/unicode.h"

namespace tenwatt::text {
namespace {

constexpr std::array<WhisperLanguage, 100> kLanguages = {{
    {"en", "English"},        {"zh", "Chinese"},     {"de", "German"},        {"es", "Spanish"},
    {"ru", "Russian"},        {"ko", "Korean"},      {"fr", "French"},        {"ja", "Japanese"},
    {"pt", "Portuguese"},     {"tr", "Turkish"},     {"pl", "Polish"},        {"ca", "Catalan"},
    {"nl", "Dutch"},          {"ar", "Arabic"},      {"sv", "Swedish"},       {"it", "Italian"},
    {"id", "Indonesian"},     {"hi", "Hindi"},       {"fi", "Finnish"},       {"vi", "Vietnamese"},
    {"he", "Hebrew"},         {"uk", "Ukrainian"},   {"el", "Greek"},         {"ms", "Malay"},
    {"cs", "Czech"},          {"ro", "Romanian"},    {"da", "Danish"},        {"hu", "Hungarian"},
    {"ta", "Tamil"},          {"no", "Norwegian"},   {"th", "Thai"},          {"ur", "Urdu"},
    {"hr", "Croatian"},       {"bg", "Bulgarian"},   {"lt", "Lithuanian"},    {"la", "Latin"},
    {"mi", "Maori"},          {"ml", "Malayalam"},   {"cy", "Welsh"},         {"sk", "Slovak"},
    {"te", "Telugu"},         {"fa", "Persian"},     {"lv", "Latvian"},       {"bn", "Bengali"},
    {"sr", "Serbian"},        {"az", "Azerbaijani"}, {"sl", "Slovenian"},     {"kn", "Kannada"},
    {"et", "Estonian"},       {"mk", "Macedonian"},  {"br", "Breton"},        {"eu", "Basque"},
    {"is", "Icelandic"},      {"hy", "Armenian"},    {"ne", "Nepali"},        {"mn", "Mongolian"},
    {"bs", "Bosnian"},        {"kk", "Kazakh"},      {"sq", "Albanian"},      {"sw", "Swahili"},
    {"gl", "Galician"},       {"mr", "Marathi"},     {"pa", "Punjabi"},       {"si", "Sinhala"},
    {"km", "Khmer"},          {"sn", "Shona"},       {"yo", "Yoruba"},        {"so", "Somali"},
    {"af", "Afrikaans"},      {"oc", "Occitan"},     {"ka", "Georgian"},      {"be", "Belarusian"},
    {"tg", "Tajik"},          {"sd", "Sindhi"},      {"gu", "Gujarati"},      {"am", "Amharic"},
    {"yi", "Yiddish"},        {"lo", "Lao"},         {"uz", "Uzbek"},         {"fo", "Faroese"},
    {"ht", "Haitian Creole"}, {"ps", "Pashto"},      {"tk", "Turkmen"},       {"nn", "Nynorsk"},
    {"mt", "Maltese"},        {"sa", "Sanskrit"},    {"lb", "Luxembourgish"}, {"my", "Myanmar"},
    {"bo", "Tibetan"},        {"tl", "Tagalog"},     {"mg", "Malagasy"},      {"as", "Assamese"},
    {"tt", "Tatar"},          {"haw", "Hawaiian"},   {"ln", "Lingala"},       {"ha", "Hausa"},
    {"ba", "Bashkir"},        {"jw", "Javanese"},    {"su", "Sundanese"},     {"yue", "Cantonese"},
}};

constexpr std::string_view kSingleMarks = "\"#()*+/:;<=>@[\\]^_`{|}~「」『』";
constexpr std::string_view kMarkGroups =
    "<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪";
constexpr std::string_view kNotes = "♩♪♫♬♭♮♯";

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const uint32_t bytes = decode_first(text).bytes;
    out.emplace_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

std::span<const WhisperLanguage> whisper_languages() { return kLanguages; }

Result<WhisperTokens> WhisperTokens::of_size(int64_t vocabulary_size) {
  if (vocabulary_size < 51864 || vocabulary_size > 51866) {
    return fail(ErrorCode::kUnsupported,
                "no Whisper model has a vocabulary of " + std::to_string(vocabulary_size),
                "Known sizes: 51864 (English), 51865 (multilingual), 51866 (large-v3).");
  }
  WhisperTokens t;
  t.vocabulary_size = static_cast<TokenId>(vocabulary_size);
  t.multilingual = vocabulary_size >= 51865;
  t.language_count = t.vocabulary_size - 51765 - (t.multilingual ? 1 : 0);
  t.end_of_text = t.multilingual ? 50257 : 50256;
  t.start_of_transcript = t.end_of_text + 1;
  t.first_language = t.end_of_text + 2;
  t.translate = t.first_language + t.language_count;
  t.transcribe = t.translate + 1;
  t.start_of_lm = t.translate + 2;
  t.start_of_previous = t.translate + 3;
  t.no_speech = t.translate + 4;
  t.no_timestamps = t.translate + 5;
  t.first_timestamp = t.translate + 6;
  t.last_timestamp = t.first_timestamp + 1500;
  return t;
}

TokenId WhisperTokens::timestamp(double seconds) const {
  const double steps = std::round(seconds / kSecondsPerTimestamp);
  if (!(steps > 0)) return first_timestamp;
  return steps >= 1500 ? last_timestamp : first_timestamp + static_cast<TokenId>(steps);
}

std::optional<TokenId> WhisperTokens::language(std::string_view code_or_name) const {
  const std::string wanted = ascii_lower(code_or_name);
  for (int i = 0; i < language_count; ++i) {
    if (wanted == kLanguages[i].code || wanted == ascii_lower(kLanguages[i].name)) {
      return first_language + i;
    }
  }
  return std::nullopt;
}

std::optional<WhisperLanguage> WhisperTokens::language_of(TokenId id) const {
  if (id < first_language || id >= first_language + language_count) return std::nullopt;
  return kLanguages[id - first_language];
}

std::vector<TokenId> non_speech_tokens(const Tokenizer& tokenizer) {
  std::set<TokenId> found;
  const auto add_first = [&](const std::string& text) {
    const auto ids = tokenizer.encode(text);
    if (!ids.empty()) found.insert(ids[0]);
  };
  const auto add_if_one_token = [&](const std::string& text) {
    const auto ids = tokenizer.encode(text);
    if (ids.size() == 1) found.insert(ids[0]);
  };
  std::vector<std::string> marks = characters(kSingleMarks);
  for (std::string& group : words(kMarkGroups)) marks.push_back(std::move(group));
  for (const std::string& mark : marks) {
    add_if_one_token(mark);
    add_if_one_token(" " + mark);
  }
  for (const std::string& note : characters(kNotes)) {
    add_first(note);
    add_first(" " + note);
  }
  add_first(" -");
  add_first(" '");
  return {found.begin(), found.end()};
}

std::vector<TokenId> suppressed_tokens(const Tokenizer& tokenizer, const WhisperTokens& tokens) {
  std::vector<TokenId> ids = non_speech_tokens(tokenizer);
  for (const TokenId id : {tokens.translate, tokens.transcribe, tokens.start_of_transcript,
                           tokens.start_of_previous, tokens.start_of_lm, tokens.no_speech}) {
    ids.push_back(id);
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace tenwatt::text
