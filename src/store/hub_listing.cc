// nlohmann's parser without exceptions; every value is checked for its type before it is read.
#include "store/hub_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace tenwatt::store {
namespace {

using nlohmann::json;

constexpr size_t kMaxListed = 40;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint64_t number_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

bool is_hexadecimal(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// A path that no repository may have: it would lead out of the folder that it is put in.
bool climbs(std::string_view path) {
  return path.empty() || path.front() == '/' || path.find("..") != path.npos ||
         path.find('\\') != path.npos || path.find('\0') != path.npos;
}

Result<HubFile> parse_file(const json& sibling) {
  HubFile file;
  if (!sibling.is_object()) return fail(ErrorCode::kCorrupt, "an entry is not an object");
  file.path = text_at(sibling, "rfilename");
  if (climbs(file.path)) {
    return fail(ErrorCode::kCorrupt, "refused the file name \"" + file.path + "\"");
  }
  const auto lfs = sibling.find("lfs");
  if (lfs != sibling.end() && lfs->is_object()) {
    const std::string digest = text_at(*lfs, "sha256");
    if (!is_hexadecimal(digest, 64)) return fail(ErrorCode::kCorrupt, file.path + ": no SHA-256");
    file.digest = "sha256:" + digest;
    file.bytes = number_at(*lfs, "size");
    return file;
  }
  const std::string digest = text_at(sibling, "blobId");
  if (!is_hexadecimal(digest, 40)) return fail(ErrorCode::kCorrupt, file.path + ": no blob id");
  file.digest = "git:" + digest;
  file.bytes = number_at(sibling, "size");
  return file;
}

std::string_view base_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](unsigned char c) { return std::tolower(c); });
  return copy;
}

// What the pieces of a split file have in common: "x-00002-of-00003.gguf" gives "x-", else empty.
std::string_view split_stem(std::string_view path) {
  constexpr size_t kSuffix = 19;  // 00002-of-00003.gguf
  if (path.size() < kSuffix || !path.ends_with(".gguf")) return {};
  const std::string_view suffix = path.substr(path.size() - kSuffix);
  for (size_t i = 0; i < 14; ++i) {
    const std::string_view pattern = "#####-of-#####";
    const bool digit = suffix[i] >= '0' && suffix[i] <= '9';
    if (pattern[i] == '#' ? !digit : suffix[i] != pattern[i]) return {};
  }
  return path.substr(0, path.size() - kSuffix);
}

// A set of files that are one model, the main one first.
using Choice = std::vector<HubFile>;

uint64_t bytes_of(const Choice& choice) {
  uint64_t bytes = 0;
  for (const HubFile& file : choice) bytes += file.bytes;
  return bytes;
}

class Chooser {
 public:
  Chooser(const HubListing& listing, const HubName& name) : listing_(listing), name_(name) {}

  Result<Choice> choose() const {
    if (!name_.file.empty()) return named();
    const std::vector<Choice> gguf = with_suffix(".gguf");
    if (gguf.size() == 1) return gguf.front();
    if (gguf.size() > 1) return ask(gguf, "has several models");
    if (find("model.bin") && (find("vocabulary.json") || find("vocabulary.txt"))) {
      return listed(kCtranslate2);
    }
    if (find("model.safetensors") || find("model.safetensors.index.json")) return safetensors();
    std::vector<Choice> others = with_suffix(".onnx");
    if (others.size() == 1) return others.front();
    std::ranges::move(with_suffix(".bin"), std::back_inserter(others));
    return ask(others, others.empty() ? "has no model file" : "has several files");
  }

 private:
  static constexpr std::array<std::string_view, 6> kCtranslate2 = {
      "model.bin",      "config.json",    "vocabulary.json",
      "vocabulary.txt", "tokenizer.json", "preprocessor_config.json"};
  static constexpr std::array<std::string_view, 13> kSafetensors = {"model.safetensors",
                                                                    "model.safetensors.index.json",
                                                                    "config.json",
                                                                    "generation_config.json",
                                                                    "tokenizer.json",
                                                                    "tokenizer_config.json",
                                                                    "tokenizer.model",
                                                                    "special_tokens_map.json",
                                                                    "added_tokens.json",
                                                                    "vocab.json",
                                                                    "merges.txt",
                                                                    "chat_template.jinja",
                                                                    "preprocessor_config.json"};

  const HubFile* find(std::string_view path) const {
    const auto found = std::ranges::find(listing_.files, path, &HubFile::path);
    return found == listing_.files.end() ? nullptr : &*found;
  }

  Choice listed(std::span<const std::string_view> paths) const {
    Choice choice;
    for (std::string_view path : paths) {
      if (const HubFile* file = find(path)) choice.push_back(*file);
    }
    return choice;
  }

  // A sharded model's weights are named model-00001-of-0000N.safetensors.
  Choice safetensors() const {
    Choice choice = listed(kSafetensors);
    for (const HubFile& file : listing_.files) {
      const bool shard = file.path.starts_with("model-") && file.path.ends_with(".safetensors");
      if (shard && !find("model.safetensors")) choice.push_back(file);
    }
    return choice;
  }

  // A file with everything that belongs to it.
  Choice with_companions(const HubFile& main) const {
    Choice choice = {main};
    const std::string_view stem = split_stem(main.path);
    for (const HubFile& file : listing_.files) {
      const bool piece = !stem.empty() && file.path != main.path && split_stem(file.path) == stem;
      const bool onnx = main.path.ends_with(".onnx") &&
                        (file.path == main.path + ".json" || file.path == main.path + "_data" ||
                         file.path == main.path + ".data");
      if (piece || onnx) choice.push_back(file);
    }
    std::ranges::sort(choice.begin() + (stem.empty() ? 1 : 0), choice.end(), {}, &HubFile::path);
    return choice;
  }

  // One choice per file, pieces of a split one together; a vision projector is no model.
  std::vector<Choice> with_suffix(std::string_view suffix) const {
    std::vector<Choice> choices;
    std::set<std::string_view> stems;
    for (const HubFile& file : listing_.files) {
      if (!file.path.ends_with(suffix) || base_name(file.path).starts_with("mmproj")) continue;
      const std::string_view stem = split_stem(file.path);
      if (!stem.empty() && !stems.insert(stem).second) continue;
      choices.push_back(with_companions(file));
    }
    return choices;
  }

  Result<Choice> named() const {
    if (const HubFile* file = find(name_.file)) return with_companions(*file);
    const std::vector<Choice> gguf = with_suffix(".gguf");
    std::vector<Choice> matching;
    for (const Choice& choice : gguf) {
      const std::string path = lower(choice.front().path);
      if (path.find(lower(name_.file)) != path.npos) matching.push_back(choice);
    }
    if (matching.size() == 1) return matching.front();
    if (matching.size() > 1) return ask(matching, "has several files like \"" + name_.file + '"');
    return ask(gguf, "has no file \"" + name_.file + '"');
  }

  std::unexpected<Error> ask(std::span<const Choice> choices, const std::string& what) const {
    std::string message = name_.repository_text() + " " + what;
    for (const Choice& choice : choices.first(std::min(choices.size(), kMaxListed))) {
      message += fmt::format("\n  {:>8.1f} MB  {}", static_cast<double>(bytes_of(choice)) / 1e6,
                             choice.front().path);
    }
    const std::string file = choices.empty() ? "FILE" : choices.front().front().path;
    return fail(ErrorCode::kNotFound, message,
                "tenwatt pull " + name_.repository_text() + ":" + file);
  }

  const HubListing& listing_;
  const HubName& name_;
};

}  // namespace

Result<HubListing> parse_hub_listing(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const std::string where = "the hub's answer";
  if (!root.is_object()) return fail(ErrorCode::kCorrupt, where + " is no JSON object");
  const auto siblings = root.find("siblings");
  if (siblings == root.end() || !siblings->is_array()) {
    return fail(ErrorCode::kCorrupt, where + " lists no files");
  }
  HubListing listing;
  listing.commit = text_at(root, "sha");
  if (!is_hexadecimal(listing.commit, 40)) return fail(ErrorCode::kCorrupt, where + ": no commit");
  for (const json& sibling : *siblings) {
    auto file = parse_file(sibling);
    if (!file) return fail_in(where, file.error());
    if (is_safe_path(file->path)) listing.files.push_back(std::move(*file));
  }
  return listing;
}

Result<std::vector<HubFile>> choose_hub_files(const HubListing& listing, const HubName& name) {
  return Chooser(listing, name).choose();
}

}  // namespace tenwatt::store
