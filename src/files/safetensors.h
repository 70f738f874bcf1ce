// safetensors, the container of model hubs: a JSON table of tensors, then their bytes.
//
// A large model is several such files with an index that says which tensor is where; all of them
// are opened as one. File names come from the index, so they must be plain names: what is read
// always lies in the folder that the user named (or is a link there, as hub caches make them).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "numbers/tensor.h"

namespace tenwatt::files {

/// One row of the table.
struct SafetensorsTensor {
  std::string name;
  std::string type;              ///< the file's word: "BF16"
  std::optional<Format> format;  ///< none: a type that numbers/ doesn't have
  Shape shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> mapping;  ///< that `bytes` lie in
};

/// One opened file, or all files of an index. Immutable, so any thread may read it.
class Safetensors {
 public:
  /// All tensors, by name ascending.
  std::span<const SafetensorsTensor> tensors() const { return tensors_; }
  const SafetensorsTensor* find(std::string_view name) const;
  /// In place where aligned; kNotFound, or kUnsupported naming its type.
  Result<Tensor> tensor(std::string_view name) const;

 private:
  friend Result<Safetensors> read_safetensors(const std::string& path);
  std::vector<SafetensorsTensor> tensors_;
};

/// The row's number format; kUnsupported naming tensor and type where numbers/ doesn't have it.
Result<Format> format_of(const SafetensorsTensor& row);

/// Maps and checks model.safetensors, or every file that a model.safetensors.index.json names:
/// kCorrupt with the tensor, kNotFound with the file that is missing.
Result<Safetensors> read_safetensors(const std::string& path);

/// The files that read_safetensors would map for `path`, itself among them.
Result<std::vector<std::string>> safetensors_files(const std::string& path);

}  // namespace tenwatt::files
