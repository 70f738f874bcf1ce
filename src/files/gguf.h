// GGUF, the container of llama.cpp's models: metadata under string keys, and tensors.
//
// Reads version 2 and 3, little-endian; a model split into several files is opened as one, from any
// of them. Everything is checked before it is believed;
// what a value means is the model's business (models/), not this file's. Texts and tensors point
// into the mapped file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "files/ggml_tensor.h"
#include "numbers/tensor.h"

namespace tenwatt::files {

/// The value types of GGUF, with its numbers.
enum class GgufType : int32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

/// A metadata value as it lies in the file, already checked. A scalar has count 1.
struct GgufValue {
  GgufType type = GgufType::kU8;  ///< of the scalar, or of the elements
  bool is_array = false;
  uint64_t count = 1;
  std::span<const std::byte> bytes;  ///< strings with their lengths before them
};

/// An opened file. Immutable, so any thread may read it. All views live as long as the mapping,
/// which every Tensor made here keeps alive.
class GgufFile {
 public:
  uint32_t version() const { return version_; }
  /// Of a split model's parts, the first.
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }

  /// Metadata. Accessors convert between integer widths and between f32 and f64. Without a
  /// fallback a missing key is kNotFound; a value of another kind is kCorrupt in both cases.
  const GgufValue* find(std::string_view key) const;
  std::vector<std::string_view> keys() const;
  Result<int64_t> integer(std::string_view key) const;
  Result<int64_t> integer(std::string_view key, int64_t fallback) const;
  Result<double> real(std::string_view key) const;
  Result<double> real(std::string_view key, double fallback) const;
  Result<bool> flag(std::string_view key, bool fallback) const;
  Result<std::string_view> text(std::string_view key) const;
  Result<std::string_view> text(std::string_view key, std::string_view fallback) const;
  /// Arrays; a scalar counts as an array of one (keys that may be given per layer). Flags read as
  /// 0 and 1.
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  Result<std::vector<float>> reals(std::string_view key) const;
  Result<std::vector<std::string_view>> texts(std::string_view key) const;

  /// All tensors in file order.
  std::span<const GgmlTensor> tensors() const { return tensors_; }
  const GgmlTensor* find_tensor(std::string_view name) const;
  /// The tensor in place; kNotFound, or kUnsupported naming its type and name.
  Result<Tensor> tensor(std::string_view name) const;

 private:
  friend class GgufReader;
  friend class GgufJoiner;
  std::shared_ptr<const MappedFile> mapping_;
  std::shared_ptr<const void> owner_;  // of all parts' mappings
  uint32_t version_ = 0;
  std::map<std::string_view, GgufValue, std::less<>> values_;
  std::vector<GgmlTensor> tensors_;
  std::map<std::string_view, size_t, std::less<>> tensor_index_;
};

/// Maps and checks a file and, if it is a part of a model, all others: kCorrupt, kUnsupported
/// (version 1, big-endian), kNotFound naming the part that is missing.
Result<GgufFile> read_gguf(const std::string& path);

/// The files that read_gguf maps for `path`, as far as they are there.
std::vector<std::string> gguf_files(const std::string& path);

}  // namespace tenwatt::files
