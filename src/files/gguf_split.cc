#include "files/gguf_split.h"

#include <charconv>
#include <filesystem>
#include <string_view>

namespace tenwatt::files {
namespace {

constexpr std::string_view kEnding = ".gguf";
constexpr std::string_view kOf = "-of-";
constexpr size_t kDigits = 5;
constexpr int64_t kMostParts = 99999;

std::string five_digits(int64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
}

/// The number of exactly five digits that `text` ends with, which it loses; -1 for none.
int64_t take_number(std::string_view& text) {
  if (text.size() < kDigits) return -1;
  const std::string_view digits = text.substr(text.size() - kDigits);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + kDigits, number);
  if (error != std::errc{} || end != digits.data() + kDigits || number < 1) return -1;
  text.remove_suffix(kDigits);
  return number;
}

bool take_text(std::string_view& text, std::string_view ending) {
  if (!text.ends_with(ending)) return false;
  text.remove_suffix(ending.size());
  return true;
}

}  // namespace

std::string GgufSplit::path(int64_t place) const {
  return prefix + "-" + five_digits(place + 1) + std::string(kOf) + five_digits(count) +
         std::string(kEnding);
}

GgufSplit split_of_name(const std::string& path) {
  std::string_view rest = path;
  if (!take_text(rest, kEnding)) return {};
  const int64_t count = take_number(rest);
  if (count < 2 || !take_text(rest, kOf)) return {};
  const int64_t number = take_number(rest);
  if (number < 1 || number > count || !take_text(rest, "-")) return {};
  return {std::string(rest), count};
}

Result<GgufSplit> split_of(const GgufFile& file, const std::string& path) {
  const int64_t count = TENWATT_TRY(file.integer("split.count", 1));
  if (count <= 1) return GgufSplit{};
  if (count > kMostParts) {
    return fail(ErrorCode::kCorrupt, "split.count is " + std::to_string(count));
  }
  GgufSplit named = split_of_name(path);
  if (named.count == count) return named;
  const int64_t number = TENWATT_TRY(file.integer("split.no", 0));
  return fail(ErrorCode::kCorrupt,
              "this is part " + std::to_string(number + 1) + " of " + std::to_string(count) +
                  " of a model, and its name does not say so",
              "name the parts PREFIX-00001-of-" + five_digits(count) + ".gguf and so on");
}

std::vector<std::string> gguf_files(const std::string& path) {
  const GgufSplit split = split_of_name(path);
  if (split.count == 1) return {path};
  std::vector<std::string> files;
  for (int64_t place = 0; place < split.count; ++place) {
    std::error_code absent;
    if (std::filesystem::exists(split.path(place), absent)) files.push_back(split.path(place));
  }
  return files;
}

}  // namespace tenwatt::files
