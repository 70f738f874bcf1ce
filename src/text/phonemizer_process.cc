#include "text/phonemizer_process.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/paths.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

constexpr std::string_view kName = "tenwatt-phonemize";
constexpr size_t kMostAnswerBytes = size_t{64} << 20;
/// Phonemes need no more than this; a helper that does is broken.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kMemoryLimit = 0;  // a helper built with a sanitiser reserves terabytes
#else
constexpr uint64_t kMemoryLimit = uint64_t{2} << 30;
#endif

/// A voice name goes into a request line, so it must be one word of modest length.
bool is_voice_name(std::string_view voice) {
  return !voice.empty() && voice.size() <= 100 && std::ranges::all_of(voice, [](char c) {
    return is_ascii_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '+' || c == '/';
  });
}

/// The text as the helper can take it: valid UTF-8 without NUL.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode_first(text);
    if (point.value == 0) {
      out += ' ';
    } else if (point.value != kNotUtf8) {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return out;
}

/// `ok LENGTH` or `error LENGTH`.
struct Head {
  bool ok;
  size_t length;
};

Result<Head> parse_head(std::string_view line) {
  const size_t space = std::min(line.find(' '), line.size());
  const std::string_view verdict = line.substr(0, space);
  const std::string_view number = line.substr(std::min(space + 1, line.size()));
  size_t length = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), length);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  if ((verdict != "ok" && verdict != "error") || !whole || length > kMostAnswerBytes) {
    return fail(ErrorCode::kInternal, "the phonemiser's answer can't be understood");
  }
  return Head{verdict == "ok", length};
}

/// One line of an answer, `MARK ENDS PHONEMES`, added to the sentences. A clause's punctuation is
/// spoken too, with a space after the marks that don't end a sentence.
void add_clause(std::string_view line, std::string& sentence, std::vector<Phonemes>& sentences) {
  if (line.size() < 4) return;
  sentence += line.substr(4);
  const char mark = line[0];
  if (mark != '-') sentence += mark;
  if (mark == ',' || mark == ':' || mark == ';') sentence += ' ';
  if (line[2] != '1') return;
  sentences.push_back(phonemes_of(std::exchange(sentence, {})));
}

std::vector<Phonemes> parse_clauses(std::string_view answer) {
  std::vector<Phonemes> sentences;
  std::string sentence;
  while (!answer.empty()) {
    const size_t end = std::min(answer.find('\n'), answer.size());
    add_clause(answer.substr(0, end), sentence, sentences);
    answer.remove_prefix(std::min(end + 1, answer.size()));
  }
  if (!sentence.empty()) sentences.push_back(phonemes_of(sentence));
  std::erase_if(sentences, [](const Phonemes& phonemes) { return phonemes.empty(); });
  return sentences;
}

}  // namespace

std::string phonemizer_program() {
  if (const char* named = std::getenv("TENWATT_PHONEMIZE"); named && *named) return named;
  const std::filesystem::path folder = own_folder();
  const std::filesystem::path built = folder / "helpers" / "phonemize" / kName;
  const std::filesystem::path installed = folder / ".." / "libexec" / "tenwatt" / kName;
  std::error_code ignored;
  return std::filesystem::exists(built, ignored) ? built.string() : installed.string();
}

Status PhonemizerProcess::start() {
  ProcessOptions options;
  options.arguments = {options_.program};
  options.standard_input = Stream::kPipe;
  options.standard_output = Stream::kPipe;
  options.standard_error = Stream::kNull;
  options.memory_limit_bytes = kMemoryLimit;
  auto process = Process::start(options);
  if (!process) {
    return fail(ErrorCode::kNotFound, "the phonemiser can't be started: " + process.error().message,
                "Build the target tenwatt-phonemize, or set TENWATT_PHONEMIZE to it.");
  }
  process_.emplace(std::move(*process));
  return {};
}

Status PhonemizerProcess::warm_up() {
  const std::lock_guard lock(mutex_);
  return process_ ? Status{} : start();
}

std::optional<pid_t> PhonemizerProcess::process_id() const {
  const std::lock_guard lock(mutex_);
  return process_ ? std::optional(process_->id()) : std::nullopt;
}

/// kNotFound means that the helper has gone; any other failure, that it answered badly or not.
Result<std::string> PhonemizerProcess::exchange(const std::string& request) {
  if (!process_) TENWATT_TRY(start());
  if (auto written = process_->write(request, options_.timeout); !written) {
    return fail(ErrorCode::kNotFound, written.error().message);
  }
  const std::string line = TENWATT_TRY(process_->read_line(options_.timeout, 64));
  const Head head = TENWATT_TRY(parse_head(line));
  std::string bytes = TENWATT_TRY(process_->read_exactly(head.length, options_.timeout));
  if (head.ok) return bytes;
  return fail(ErrorCode::kInvalidArgument, "phonemiser: " + bytes);
}

Result<std::string> PhonemizerProcess::exchange_or_restart(const std::string& request) {
  auto answer = exchange(request);
  if (answer || answer.error().code == ErrorCode::kInvalidArgument) return answer;
  const bool was_running = process_.has_value();
  process_.reset();
  if (!was_running || answer.error().code != ErrorCode::kNotFound) return answer;
  answer = exchange(request);
  if (answer || answer.error().code == ErrorCode::kInvalidArgument) return answer;
  process_.reset();
  return fail(ErrorCode::kIo, "the phonemiser ended twice on one text: " + answer.error().message);
}

Result<std::vector<Phonemes>> PhonemizerProcess::phonemize(std::string_view voice,
                                                           std::string_view text) {
  if (!is_voice_name(voice)) {
    return fail(ErrorCode::kInvalidArgument,
                "'" + std::string(voice) + "' can't be the name of an espeak-ng voice");
  }
  if (text.size() > kMostBytes) {
    return fail(ErrorCode::kOutOfRange, "text of " + std::to_string(text.size()) +
                                            " bytes is too long to phonemise at once");
  }
  const std::string cleaned = clean(text);
  const std::string request =
      "phonemize " + std::string(voice) + " " + std::to_string(cleaned.size()) + "\n" + cleaned;
  const std::lock_guard lock(mutex_);
  const std::string answer = TENWATT_TRY(exchange_or_restart(request));
  return parse_clauses(answer);
}

}  // namespace tenwatt::text
