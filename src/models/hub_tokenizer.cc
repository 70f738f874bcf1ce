#include "models/hub_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/memory.h"
#include "files/json_file.h"

namespace tenwatt::models {
namespace {

namespace fs = std::filesystem;
using files::JsonView;
using nlohmann::json;
using text::TokenId;
using text::TokenType;

/// Ids may leave gaps, but a few entries may not claim a vocabulary of millions.
constexpr size_t kMostGaps = 4096;
constexpr size_t kLargestTemplate = size_t{4} << 20;
/// Below the score of any merge: a piece that no merge makes.
constexpr float kNeverMerged = std::numeric_limits<float>::lowest();

/// Regular expressions that the pre-tokenisers of text/pretokenizer.h stand for. A tokenizer.json
/// has no name for its own, so it is known by its text.
struct Cut {
  std::string_view regex;
  bool whole_piece_first;  ///< model.ignore_merges
  std::string_view pre;
};
constexpr Cut kCuts[] = {
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     false, "qwen2"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     true, "llama-bpe"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     false, "dbrx"},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     false, "qwen35"},
};

/// The entries of a normaliser, pre-tokeniser or post-processor: itself, or the members of a
/// sequence.
Result<std::vector<JsonView>> steps_of(const JsonView& root, std::string_view key,
                                       std::string_view members) {
  if (root.find(key) == nullptr) return std::vector<JsonView>{};
  const JsonView step = TENWATT_TRY(root.object(key));
  if (TENWATT_TRY(step.text("type", "")) != "Sequence") return std::vector{step};
  return step.items(members);
}

/// What the steps before the merges do, as far as the name of a pre-tokeniser depends on it.
struct Cutting {
  bool bytes = false;  ///< into the byte alphabet
  bool words = false;  ///< by GPT-2's expression
  bool single_digits = false;
  std::string regex;
};

Result<Cutting> read_cutting(const JsonView& root) {
  Cutting cutting;
  for (const JsonView& step : TENWATT_TRY(steps_of(root, "pre_tokenizer", "pretokenizers"))) {
    const std::string type = TENWATT_TRY(step.text("type", ""));
    if (type == "ByteLevel") {
      cutting.bytes = true;
      cutting.words = TENWATT_TRY(step.flag("use_regex", true));
    } else if (type == "Digits") {
      cutting.single_digits = TENWATT_TRY(step.flag("individual_digits", false));
    } else if (type == "Split") {
      cutting.regex = TENWATT_TRY(TENWATT_TRY(step.object("pattern")).text("Regex", ""));
    }
  }
  return cutting;
}

Result<std::string> pre_name(const JsonView& root, bool whole_piece_first) {
  const Cutting cutting = TENWATT_TRY(read_cutting(root));
  if (!cutting.bytes) {
    return fail(ErrorCode::kUnsupported,
                "the pre-tokeniser is neither byte-level nor with byte fallback",
                "use a GGUF file of the model");
  }
  if (cutting.words && cutting.regex.empty() && !whole_piece_first) {
    return std::string(cutting.single_digits ? "smollm" : "gpt-2");
  }
  for (const Cut& cut : kCuts) {
    if (!cutting.words && cut.regex == cutting.regex &&
        cut.whole_piece_first == whole_piece_first) {
      return std::string(cut.pre);
    }
  }
  return fail(ErrorCode::kUnsupported,
              "the pre-tokeniser with the expression \"" + cutting.regex + "\" is not built",
              "use a GGUF file of the model");
}

/// Fills a spec from the parsed files of a folder.
class HubTokenizer {
 public:
  HubTokenizer(const JsonView& root, std::string folder)
      : root_(root), folder_(std::move(folder)) {}

  Result<text::TokenizerSpec> read(int64_t rows) {
    const JsonView model = TENWATT_TRY(root_.object("model"));
    const std::string type = TENWATT_TRY(model.text("type", "BPE"));
    if (type != "BPE") {
      return fail(ErrorCode::kUnsupported, "a tokeniser of the type " + type + "; BPE is built",
                  "use a GGUF file of the model");
    }
    TENWATT_TRY(read_vocabulary(model));
    TENWATT_TRY(read_merges(model));
    if (TENWATT_TRY(model.flag("byte_fallback", false))) {
      TENWATT_TRY(make_sentencepiece(model));
    } else {
      spec_.model = "gpt2";
      spec_.pre = TENWATT_TRY(pre_name(root_, TENWATT_TRY(model.flag("ignore_merges", false))));
    }
    TENWATT_TRY(read_added_tokens());
    TENWATT_TRY(read_ends());
    fit_to(rows);
    return std::move(spec_);
  }

 private:
  Status put(const json& id, const std::string& spelling, TokenType type) {
    const int64_t at = id.is_number_integer() ? id.get<int64_t>() : -1;
    if (at < 0 || at >= static_cast<int64_t>(id_limit_)) {
      return fail(ErrorCode::kCorrupt, "token \"" + spelling + "\" has no valid id");
    }
    const auto index = static_cast<size_t>(at);
    if (index >= spec_.tokens.size()) {
      spec_.tokens.resize(index + 1);
      spec_.types.resize(index + 1, TokenType::kUnused);
    }
    spec_.tokens[index] = spelling;
    spec_.types[index] = type;
    ids_[spelling] = static_cast<TokenId>(index);
    return {};
  }

  Status read_vocabulary(const JsonView& model) {
    const json* vocabulary = model.find("vocab");
    if (vocabulary == nullptr || !vocabulary->is_object() || vocabulary->empty()) {
      return fail(ErrorCode::kCorrupt, "there is no model.vocab");
    }
    const json* added = root_.find("added_tokens");
    id_limit_ = vocabulary->size() + (added == nullptr ? 0 : added->size()) + kMostGaps;
    for (const auto& [spelling, id] : vocabulary->items()) {
      TENWATT_TRY(put(id, spelling, TokenType::kNormal));
    }
    return {};
  }

  /// Merges are "left right" or, in newer files, pairs.
  Status read_merges(const JsonView& model) {
    const json* merges = model.find("merges");
    if (merges == nullptr || !merges->is_array()) {
      return fail(ErrorCode::kCorrupt, "there is no list model.merges");
    }
    spec_.merges.reserve(merges->size());
    for (const json& merge : *merges) {
      if (merge.is_string()) {
        spec_.merges.push_back(merge.get<std::string>());
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
                 merge[1].is_string()) {
        spec_.merges.push_back(merge[0].get<std::string>() + ' ' + merge[1].get<std::string>());
      } else {
        return fail(ErrorCode::kCorrupt,
                    "merge " + std::to_string(spec_.merges.size()) + " is not two strings");
      }
    }
    return {};
  }

  /// SentencePiece merges whatever gives the piece of the best score. The list of merges is that
  /// order written out, so a piece's score is the place of the first merge that makes it.
  Status make_sentencepiece(const JsonView& model) {
    spec_.model = "llama";
    spec_.scores.assign(spec_.tokens.size(), kNeverMerged);
    for (size_t rank = 0; rank < spec_.merges.size(); ++rank) {
      std::string merged = spec_.merges[rank];
      const size_t space = merged.find(' ', 1);
      if (space == std::string::npos) continue;
      merged.erase(space, 1);
      const auto found = ids_.find(merged);
      if (found == ids_.end()) continue;
      float& score = spec_.scores[static_cast<size_t>(found->second)];
      score = std::max(score, -static_cast<float>(rank));
    }
    spec_.merges.clear();
    for (size_t id = 0; id < spec_.tokens.size(); ++id) {
      const std::string_view token = spec_.tokens[id];
      if (token.size() == 6 && token.starts_with("<0x") && token.ends_with('>')) {
        spec_.types[id] = TokenType::kByte;
      }
    }
    spec_.unknown = token(TENWATT_TRY(model.text("unk_token", "")));
    spec_.add_space_prefix = TENWATT_TRY(adds_space());
    return {};
  }

  Result<bool> adds_space() const {
    for (const JsonView& step : TENWATT_TRY(steps_of(root_, "normalizer", "normalizers"))) {
      if (TENWATT_TRY(step.text("type", "")) == "Prepend") return true;
    }
    for (const JsonView& step : TENWATT_TRY(steps_of(root_, "pre_tokenizer", "pretokenizers"))) {
      if (TENWATT_TRY(step.text("type", "")) != "Metaspace") continue;
      return TENWATT_TRY(step.text("prepend_scheme", "always")) != "never";
    }
    return false;
  }

  Status read_added_tokens() {
    for (const JsonView& token : TENWATT_TRY(root_.items("added_tokens"))) {
      const std::string content = TENWATT_TRY(token.text("content", ""));
      const json* id = token.find("id");
      const bool special = TENWATT_TRY(token.flag("special", false));
      TENWATT_TRY(put(id == nullptr ? json() : *id, content,
                      special ? TokenType::kControl : TokenType::kUserDefined));
    }
    if (!spec_.scores.empty()) spec_.scores.resize(spec_.tokens.size(), kNeverMerged);
    return {};
  }

  std::optional<TokenId> token(const std::string& spelling) const {
    const auto found = ids_.find(spelling);
    return found == ids_.end() || spelling.empty() ? std::nullopt : std::optional(found->second);
  }

  /// A token that a configuration names by its text or as an object with a "content".
  Result<std::optional<TokenId>> named(const JsonView& config, const char* key) const {
    const json* value = config.find(key);
    if (value == nullptr) return std::optional<TokenId>();
    if (value->is_string()) return token(value->get<std::string>());
    return token(TENWATT_TRY(TENWATT_TRY(config.object(key)).text("content", "")));
  }

  /// Where texts begin and end, and whether ids are put there without being asked for.
  Status read_ends() {
    const json config_json = TENWATT_TRY(optional_json("tokenizer_config.json"));
    const JsonView config(config_json, "tokenizer_config.json");
    spec_.bos = TENWATT_TRY(named(config, "bos_token"));
    spec_.eos = TENWATT_TRY(named(config, "eos_token"));
    spec_.padding = TENWATT_TRY(named(config, "pad_token"));
    if (!spec_.unknown) spec_.unknown = TENWATT_TRY(named(config, "unk_token"));
    const bool begins = TENWATT_TRY(puts_bos());
    spec_.add_bos = spec_.bos && (TENWATT_TRY(config.flag("add_bos_token", begins)) || begins);
    spec_.add_eos = spec_.eos && TENWATT_TRY(config.flag("add_eos_token", false));
    for (const char* file : {"generation_config.json", "config.json"}) {
      TENWATT_TRY(add_ends(file));
    }
    return {};
  }

  /// Whether the post-processor puts the beginning of text in front.
  Result<bool> puts_bos() const {
    for (const JsonView& step : TENWATT_TRY(steps_of(root_, "post_processor", "processors"))) {
      if (TENWATT_TRY(step.text("type", "")) != "TemplateProcessing") continue;
      const std::vector<JsonView> single = TENWATT_TRY(step.items("single"));
      if (single.empty()) continue;
      const JsonView first = TENWATT_TRY(single[0].object("SpecialToken"));
      const auto id = token(TENWATT_TRY(first.text("id", "")));
      if (id && id == spec_.bos) return true;
    }
    return false;
  }

  /// Adds the ids that end a generation: one, or a list.
  Status add_ends(const char* file) {
    const json config_json = TENWATT_TRY(optional_json(file));
    const JsonView config(config_json, file);
    const json* value = config.find("eos_token_id");
    if (value == nullptr) return {};
    std::vector<int64_t> ids;
    if (value->is_array()) {
      ids = TENWATT_TRY(config.integers("eos_token_id"));
    } else {
      ids.push_back(TENWATT_TRY(config.integer("eos_token_id", -1)));
    }
    for (const int64_t id : ids) {
      if (id < 0 || id >= static_cast<int64_t>(spec_.tokens.size())) continue;
      const auto end = static_cast<TokenId>(id);
      if (spec_.eos == end || spec_.eot == end || spec_.eom == end) continue;
      std::optional<TokenId>& place = !spec_.eos ? spec_.eos : !spec_.eot ? spec_.eot : spec_.eom;
      if (!place) place = end;
    }
    return {};
  }

  /// The document, or an empty one where the folder has no such file.
  Result<json> optional_json(const char* name) const {
    const std::string path = (fs::path(folder_) / name).string();
    std::error_code absent;
    if (!fs::exists(path, absent)) return json(json::object());
    return files::read_json(path);
  }

  /// Embedding tables are often padded beyond the vocabulary, and some leave out its last tokens.
  void fit_to(int64_t rows) {
    const auto count = static_cast<size_t>(rows);
    const size_t had = spec_.tokens.size();
    spec_.tokens.resize(count);
    spec_.types.resize(count, TokenType::kUnused);
    if (!spec_.scores.empty()) spec_.scores.resize(count, kNeverMerged);
    for (size_t id = had; id < count; ++id) {
      spec_.tokens[id] = "[PAD" + std::to_string(id) + "]";
    }
    for (auto* id :
         {&spec_.bos, &spec_.eos, &spec_.eot, &spec_.eom, &spec_.unknown, &spec_.padding}) {
      if (*id && **id >= rows) id->reset();
    }
  }

  const JsonView& root_;
  std::string folder_;
  size_t id_limit_ = 0;
  text::TokenizerSpec spec_;
  std::unordered_map<std::string, TokenId> ids_;
};

/// The default among several named templates.
Result<std::string> default_template(const JsonView& config) {
  const json* value = config.find("chat_template");
  if (value == nullptr) return std::string();
  if (!value->is_array()) return config.text("chat_template", "");
  std::string chosen;
  for (const JsonView& entry : TENWATT_TRY(config.items("chat_template"))) {
    const std::string name = TENWATT_TRY(entry.text("name", ""));
    if (chosen.empty() || name == "default") chosen = TENWATT_TRY(entry.text("template", ""));
  }
  return chosen;
}

}  // namespace

Result<text::TokenizerSpec> read_hub_tokenizer(const std::string& folder, int64_t rows) {
  const std::string path = (fs::path(folder) / "tokenizer.json").string();
  const json root = TENWATT_TRY(files::read_json(path));
  const JsonView view(root, "tokenizer.json");
  auto spec = HubTokenizer(view, folder).read(rows);
  if (!spec) return fail_in(path, std::move(spec).error());
  return spec;
}

Result<std::string> read_hub_chat_template(const std::string& folder) {
  const fs::path jinja = fs::path(folder) / "chat_template.jinja";
  std::error_code absent;
  if (fs::exists(jinja, absent)) {
    const auto mapping = TENWATT_TRY(MappedFile::open(jinja.string()));
    const auto bytes = mapping->bytes();
    if (bytes.size() > kLargestTemplate) {
      return fail(ErrorCode::kOutOfRange, jinja.string() + " is larger than 4 MB");
    }
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  const std::string config = (fs::path(folder) / "tokenizer_config.json").string();
  if (!fs::exists(config, absent)) return std::string();
  const json root = TENWATT_TRY(files::read_json(config));
  return default_template(JsonView(root, config));
}

}  // namespace tenwatt::models
