#include "models/whisper_source.h"

#include <filesystem>
#include <system_error>

#include "base/memory.h"
#include "files/ctranslate2.h"
#include "files/json_file.h"
#include "files/safetensors.h"
#include "files/whisper_cpp.h"
#include "models/hub_source.h"
#include "text/whisper_vocabulary.h"

namespace tenwatt::models {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestVocabularyFile = size_t{64} << 20;

using VocabularyReader = Result<text::TokenizerSpec> (*)(std::string_view);

Result<text::TokenizerSpec> read_vocabulary(const fs::path& path, VocabularyReader reader) {
  const auto mapping = TENWATT_TRY(MappedFile::open(path.string()));
  const auto bytes = mapping->bytes();
  if (bytes.size() > kLargestVocabularyFile) {
    return fail(ErrorCode::kOutOfRange, path.string() + " is larger than 64 MB");
  }
  auto spec = reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!spec) return fail_in(path.string(), spec.error());
  return spec;
}

/// The vocabulary of CTranslate2's folder, or of a hub's.
Result<text::TokenizerSpec> read_folder_vocabulary(const fs::path& folder) {
  std::error_code absent;
  if (fs::exists(folder / "vocabulary.txt", absent)) {
    return read_vocabulary(folder / "vocabulary.txt", text::whisper_spec_from_vocabulary);
  }
  return read_vocabulary(folder / "tokenizer.json", text::whisper_spec_from_tokenizer_json);
}

class Ctranslate2Source final : public WhisperSource {
 public:
  explicit Ctranslate2Source(files::Ctranslate2File file) : file_(std::move(file)) {
    if (file_.find("encoder/num_heads") == nullptr) return;
    // A scalar that is no integer is no reason to refuse what the tensors say.
    if (const auto heads = file_.integer("encoder/num_heads")) heads_ = *heads;
  }

  std::optional<Shape> shape(std::string_view name) const override {
    const files::Ctranslate2Variable* variable = file_.find(name);
    return variable == nullptr ? std::nullopt : std::optional(variable->shape);
  }
  Result<StoredTensor> stored(std::string_view name) const override {
    const files::Ctranslate2Variable* variable = file_.find(name);
    if (variable == nullptr) {
      return fail(ErrorCode::kNotFound, "there is no variable " + std::string(name));
    }
    return StoredTensor{variable->format, variable->shape, variable->bytes, file_.mapping()};
  }
  WhisperNaming naming() const override { return WhisperNaming::kCtranslate2; }
  std::optional<int64_t> heads() const override { return heads_; }
  Result<text::TokenizerSpec> vocabulary() const override {
    return read_folder_vocabulary(fs::path(file_.mapping()->path()).parent_path());
  }

 private:
  files::Ctranslate2File file_;
  std::optional<int64_t> heads_;
};

class WhisperCppSource final : public WhisperSource {
 public:
  explicit WhisperCppSource(files::WhisperCppFile file) : file_(std::move(file)) {}

  std::optional<Shape> shape(std::string_view name) const override {
    const files::GgmlTensor* row = file_.find(name);
    return row == nullptr ? std::nullopt : std::optional(flat(row->shape));
  }
  Result<StoredTensor> stored(std::string_view name) const override {
    const files::GgmlTensor* row = file_.find(name);
    if (row == nullptr) {
      return fail(ErrorCode::kNotFound, "there is no tensor " + std::string(name));
    }
    const Format format = TENWATT_TRY(files::format_of(*row));
    return StoredTensor{format, flat(row->shape), row->bytes, file_.mapping()};
  }
  WhisperNaming naming() const override { return WhisperNaming::kOpenAi; }
  std::optional<int64_t> heads() const override { return file_.sizes().audio_heads; }
  std::optional<int64_t> layers(WhisperSide side) const override {
    return side == WhisperSide::kEncoder ? file_.sizes().audio_layers : file_.sizes().text_layers;
  }
  Result<text::TokenizerSpec> vocabulary() const override {
    return text::whisper_spec_from_words(file_.words(), file_.sizes().vocabulary);
  }

 private:
  /// Biases of convolutions are stored as columns [d, 1].
  static Shape flat(Shape shape) {
    if (shape.size() == 2 && shape[1] == 1) shape.pop_back();
    return shape;
  }

  files::WhisperCppFile file_;
};

class HubWhisperSource final : public WhisperSource {
 public:
  HubWhisperSource(std::string folder, files::Safetensors file, const files::JsonView& config)
      : folder_(std::move(folder)), file_(std::move(file)) {
    heads_ = size(config, "encoder_attention_heads");
    layers_[0] = size(config, "encoder_layers");
    layers_[1] = size(config, "decoder_layers");
  }

  std::optional<Shape> shape(std::string_view name) const override {
    const files::SafetensorsTensor* row = file_.find(name);
    return row == nullptr ? std::nullopt : std::optional(row->shape);
  }
  Result<StoredTensor> stored(std::string_view name) const override {
    const files::SafetensorsTensor* row = file_.find(name);
    if (row == nullptr) {
      return fail(ErrorCode::kNotFound, "there is no tensor " + std::string(name));
    }
    return StoredTensor{TENWATT_TRY(files::format_of(*row)), row->shape, row->bytes, row->mapping};
  }
  WhisperNaming naming() const override { return WhisperNaming::kHub; }
  std::optional<int64_t> heads() const override { return heads_; }
  std::optional<int64_t> layers(WhisperSide side) const override {
    return layers_[static_cast<size_t>(side)];
  }
  Result<text::TokenizerSpec> vocabulary() const override {
    return read_folder_vocabulary(folder_);
  }

 private:
  static std::optional<int64_t> size(const files::JsonView& config, const char* key) {
    const auto value = config.integer(key, -1);
    return value && *value >= 0 ? std::optional(*value) : std::nullopt;
  }

  fs::path folder_;
  files::Safetensors file_;
  std::optional<int64_t> heads_;
  std::optional<int64_t> layers_[2];
};

constexpr std::string_view kWhisper = "whisper";

/// A hub's folder: where its tensors are, and its config.json.
struct HubFolder {
  std::string tensors;
  std::string config_path;
  nlohmann::json json;

  files::JsonView config() const { return {json, config_path}; }
  Result<std::string> type() const { return config().text("model_type", ""); }
};

Result<HubFolder> read_hub_folder(const std::string& path) {
  HubFolder hub;
  hub.tensors = TENWATT_TRY(hub_tensor_file(path));
  hub.config_path = (fs::path(hub.tensors).parent_path() / "config.json").string();
  hub.json = TENWATT_TRY(files::read_json(hub.config_path));
  return hub;
}

Result<std::unique_ptr<WhisperSource>> open_hub(const std::string& path) {
  const HubFolder hub = TENWATT_TRY(read_hub_folder(path));
  const std::string type = TENWATT_TRY(hub.type());
  if (type != kWhisper) {
    return fail(ErrorCode::kUnsupported,
                hub.config_path + ": a model of the type '" + type + "', not whisper",
                "tenwatt list shows the recognisers that can be had by name");
  }
  return std::make_unique<HubWhisperSource>(fs::path(hub.tensors).parent_path().string(),
                                            TENWATT_TRY(files::read_safetensors(hub.tensors)),
                                            hub.config());
}

Result<std::unique_ptr<WhisperSource>> open_ctranslate2(const std::string& path) {
  files::Ctranslate2File file = TENWATT_TRY(files::read_ctranslate2(path));
  if (file.spec() != "WhisperSpec") {
    return fail(ErrorCode::kUnsupported,
                path + ": a CTranslate2 model of the kind " + file.spec() + ", not WhisperSpec",
                "tenwatt list shows the recognisers that can be had by name");
  }
  return std::make_unique<Ctranslate2Source>(std::move(file));
}

Result<std::unique_ptr<WhisperSource>> open_whisper_cpp(const std::string& path) {
  return std::make_unique<WhisperCppSource>(TENWATT_TRY(files::read_whisper_cpp(path)));
}

}  // namespace

bool looks_like_whisper(const std::string& path) {
  std::error_code absent;
  if (path.ends_with(".bin") || fs::exists(fs::path(path) / "model.bin", absent)) return true;
  if (!is_hub_model(path)) return false;
  const auto hub = read_hub_folder(path);
  if (!hub) return false;
  const auto type = hub->type();
  return type && *type == kWhisper;
}

Result<std::unique_ptr<WhisperSource>> open_whisper_source(const std::string& path) {
  std::error_code absent;
  const fs::path inside = fs::path(path) / "model.bin";
  const bool ctranslate2 = fs::exists(inside, absent);
  if (!ctranslate2 && is_hub_model(path)) return open_hub(path);
  const std::string file = ctranslate2 ? inside.string() : path;
  const auto mapping = TENWATT_TRY(MappedFile::open(file));
  if (files::looks_like_whisper_cpp(mapping->bytes())) return open_whisper_cpp(file);
  return open_ctranslate2(file);
}

}  // namespace tenwatt::models
