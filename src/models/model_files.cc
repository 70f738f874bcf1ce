#include "models/model_files.h"

#include <algorithm>
#include <filesystem>

#include "base/memory.h"
#include "files/gguf.h"
#include "files/onnx_external.h"
#include "files/safetensors.h"
#include "models/hub_source.h"

namespace tenwatt::models {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> onnx_files(const std::string& path) {
  std::vector<std::string> files;
  const auto mapping = TENWATT_TRY(MappedFile::open(path));
  for (const std::string& location : files::onnx_external_locations(mapping->bytes())) {
    // A model that names places outside its folder is refused when it is read.
    const fs::path inside = fs::path(location).lexically_normal();
    if (inside.is_absolute() || inside.empty() || *inside.begin() == "..") continue;
    files.push_back((fs::path(path).parent_path() / location).string());
  }
  return files;
}

Result<std::vector<std::string>> hub_files(const std::string& path) {
  const std::string tensors = TENWATT_TRY(hub_tensor_file(path));
  std::vector<std::string> files = TENWATT_TRY(files::safetensors_files(tensors));
  files.push_back((fs::path(tensors).parent_path() / "config.json").string());
  return files;
}

Result<std::vector<std::string>> other_files(const std::string& path) {
  if (path.ends_with(".onnx")) return onnx_files(path);
  if (path.ends_with(".gguf")) return files::gguf_files(path);
  if (is_hub_model(path)) return hub_files(path);
  return std::vector<std::string>{};
}

}  // namespace

Result<std::vector<std::string>> model_files(const std::string& path) {
  std::vector<std::string> files = {path};
  for (std::string& file : TENWATT_TRY(other_files(path))) {
    std::error_code absent;
    const bool is_new = std::ranges::find(files, file) == files.end();
    if (is_new && fs::is_regular_file(file, absent)) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace tenwatt::models
