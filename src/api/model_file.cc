// One function per kind says what a model's own files say of it.
#include "api/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "exchange/onnx_import.h"
#include "files/piper_voice.h"
#include "models/hub_source.h"
#include "models/language_model.h"
#include "models/model_files.h"
#include "models/whisper_weights.h"

namespace tenwatt {
namespace {

namespace fs = std::filesystem;
using store::ModelKind;

/// What may lie beside the weights of a model that is a folder, and belongs to it.
constexpr std::array kOfFolders = {
    "config.json",           "vocabulary.txt",         "tokenizer.json",
    "tokenizer_config.json", "generation_config.json", "chat_template.jinja"};

Result<std::string> describe_language_model(const std::string& path) {
  const auto source = TENWATT_TRY(models::open_model_source(path));
  const std::string family = TENWATT_TRY(source->text("general.architecture"));
  const auto shape = TENWATT_TRY(models::read_transformer_shape(*source, family));
  return fmt::format("{}, {} layers of width {}, a vocabulary of {}, a context of {} tokens",
                     family, shape.layers, shape.width, shape.vocabulary, shape.context);
}

Result<std::string> describe_recognizer(const std::string& path) {
  const auto source = TENWATT_TRY(models::open_whisper_source(path));
  const models::WhisperWeights weights = TENWATT_TRY(models::read_whisper_weights(*source));
  return fmt::format("whisper, {} + {} layers of width {}, a vocabulary of {}",
                     weights.encoder.size(), weights.decoder.size(), weights.shape.width,
                     weights.shape.vocabulary);
}

Result<std::string> describe_voice(const std::string& path) {
  const files::PiperVoice voice = TENWATT_TRY(files::read_piper_voice(path + ".json"));
  std::string text = "piper";
  if (!voice.language.empty()) text += ", " + voice.language;
  if (!voice.quality.empty()) text += ", " + voice.quality;
  text += fmt::format(", {} Hz", voice.sample_rate);
  if (voice.num_speakers > 1) text += fmt::format(", {} speakers", voice.num_speakers);
  return text;
}

Result<std::string> describe_network(const std::string& path) {
  const graph::Graph graph = TENWATT_TRY(exchange::import_onnx(path));
  const auto names = [&](const std::vector<graph::ValueId>& ids) {
    std::string text;
    for (const graph::ValueId id : ids) text += (text.empty() ? "" : ", ") + graph.value(id).name;
    return text;
  };
  return fmt::format("{} nodes from {} to {}", graph.nodes().size(), names(graph.inputs),
                     names(graph.outputs));
}

Result<std::string> describe(std::optional<ModelKind> kind, const std::string& path) {
  if (kind == ModelKind::kLanguage) return describe_language_model(path);
  if (kind == ModelKind::kRecognizer) return describe_recognizer(path);
  if (kind == ModelKind::kVoice) return describe_voice(path);
  return describe_network(path);
}

/// The files of the numbers, and what else is read with them.
Result<std::vector<std::string>> files_of(std::optional<ModelKind> kind, const std::string& path) {
  std::vector<std::string> files = TENWATT_TRY(models::model_files(path));
  std::vector<fs::path> beside;
  if (kind == ModelKind::kVoice) beside = {path + ".json"};
  if (models::is_hub_model(path) || fs::path(path).filename() == "model.bin") {
    for (const char* name : kOfFolders) beside.push_back(fs::path(path).parent_path() / name);
  }
  for (const fs::path& file : beside) {
    std::error_code absent;
    const bool is_new = std::ranges::find(files, file.string()) == files.end();
    if (is_new && fs::is_regular_file(file, absent)) files.push_back(file.string());
  }
  return files;
}

}  // namespace

std::optional<ModelKind> kind_of_path(const std::string& path) {
  if (path.ends_with(".gguf")) return ModelKind::kLanguage;
  if (models::looks_like_whisper(path)) return ModelKind::kRecognizer;
  if (models::is_hub_model(path)) return ModelKind::kLanguage;
  std::error_code absent;
  const bool described = fs::exists(path + ".json", absent);
  if (path.ends_with(".onnx") && described) return ModelKind::kVoice;
  return std::nullopt;
}

Result<ModelInfo> describe_path(const store::ResolvedModel& resolved) {
  const auto kind = kind_of_path(resolved.main);
  ModelInfo info;
  info.name = resolved.name;
  info.kind = kind ? std::string(store::kind_name(*kind)) : "network";
  info.description = TENWATT_TRY(describe(kind, resolved.main));
  info.origin = fs::path(resolved.main).parent_path().string();
  info.installed = true;
  for (const std::string& path : TENWATT_TRY(files_of(kind, resolved.main))) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) return fail(ErrorCode::kIo, path + ": " + error.message());
    info.bytes += size;
    info.files.push_back(
        {.path = path, .bytes = size, .sha256 = {}, .installed = true, .sources = {}});
  }
  return info;
}

}  // namespace tenwatt
