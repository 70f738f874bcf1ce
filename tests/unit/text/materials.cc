// Reads the tokeniser's keys of a GGUF file for these tests: only the keys, no tensors, and with no
// defence against damaged files (the program's own reader is files/gguf.h).
#include "materials.h"

#include <cstring>
#include <string_view>
#include <vector>

namespace tenwatt::text {
namespace {

enum Kind : uint32_t { kBool = 7, kString = 8, kArray = 9 };

class KeyReader {
 public:
  explicit KeyReader(std::string_view bytes) : rest_(bytes) {}

  TokenizerSpec read() {
    rest_.remove_prefix(16);  // magic, version, number of tensors
    TokenizerSpec spec;
    for (uint64_t left = number<uint64_t>(); left > 0; --left) {
      const std::string key = string();
      const auto kind = number<uint32_t>();
      key_value(spec, key, kind);
    }
    return spec;
  }

 private:
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  std::string string() {
    const auto size = number<uint64_t>();
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }

  std::vector<std::string> strings() {
    number<uint32_t>();
    std::vector<std::string> out(number<uint64_t>());
    for (std::string& item : out) item = string();
    return out;
  }

  void skip(uint32_t kind) {
    constexpr size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (kind == kString) {
      string();
    } else if (kind == kArray) {
      const auto element = number<uint32_t>();
      for (auto left = number<uint64_t>(); left > 0; --left) skip(element);
    } else {
      rest_.remove_prefix(kSizes[kind]);
    }
  }

  void key_value(TokenizerSpec& spec, const std::string& key, uint32_t kind) {
    const std::string prefix = "tokenizer.ggml.";
    if (key == prefix + "model") {
      spec.model = string();
    } else if (key == prefix + "pre") {
      spec.pre = string();
    } else if (key == prefix + "tokens") {
      spec.tokens = strings();
    } else if (key == prefix + "merges") {
      spec.merges = strings();
    } else if (key == prefix + "scores") {
      number<uint32_t>();
      spec.scores.resize(number<uint64_t>());
      for (float& score : spec.scores) score = number<float>();
    } else if (key == prefix + "token_type") {
      number<uint32_t>();
      spec.types.resize(number<uint64_t>());
      for (TokenType& type : spec.types) type = static_cast<TokenType>(number<int32_t>());
    } else if (key == prefix + "bos_token_id") {
      spec.bos = number<int32_t>();
    } else if (key == prefix + "eos_token_id") {
      spec.eos = number<int32_t>();
    } else if (key == prefix + "unknown_token_id") {
      spec.unknown = number<int32_t>();
    } else if (key == prefix + "padding_token_id") {
      spec.padding = number<int32_t>();
    } else if (key == prefix + "add_bos_token") {
      spec.add_bos = number<uint8_t>() != 0;
    } else if (key == prefix + "add_eos_token") {
      spec.add_eos = number<uint8_t>() != 0;
    } else if (key == prefix + "add_space_prefix") {
      spec.add_space_prefix = number<uint8_t>() != 0;
    } else {
      skip(kind);
    }
  }

  std::string_view rest_;
};

}  // namespace

std::optional<TokenizerSpec> spec_of_gguf(const std::filesystem::path& path) {
  const auto bytes = file_text(path);
  if (!bytes) return std::nullopt;
  return KeyReader(*bytes).read();
}

}  // namespace tenwatt::text
