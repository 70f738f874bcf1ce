// Models of CTranslate2 (the form in which Whisper is published for it): `model.bin`, version 6,
// a list of named variables, and the few lists of `config.json` that decoding needs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "numbers/tensor.h"

namespace tenwatt::files {

/// One stored variable; the bytes lie in the mapping at any address.
struct Ctranslate2Variable {
  std::string_view name;
  Format format = Format::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

/// An opened model.bin. Immutable, so any thread may read it.
class Ctranslate2File {
 public:
  const std::string& spec() const { return spec_; }  ///< "WhisperSpec"
  uint32_t revision() const { return revision_; }
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }

  /// Stored variables in file order, without aliases.
  std::span<const Ctranslate2Variable> variables() const { return variables_; }
  /// By name or alias; null if there is none.
  const Ctranslate2Variable* find(std::string_view name) const;
  /// The variable as a tensor: in place where its bytes are aligned, otherwise a copy made now.
  Result<Tensor> tensor(std::string_view name) const;
  /// The value of an integer scalar such as `encoder/num_heads`.
  Result<int64_t> integer(std::string_view name) const;

 private:
  friend class Ctranslate2Reader;
  std::shared_ptr<const MappedFile> mapping_;
  std::string spec_;
  uint32_t revision_ = 0;
  std::vector<Ctranslate2Variable> variables_;
  std::map<std::string, size_t, std::less<>> index_;  // names and aliases
};

/// Maps and checks a model.bin: kCorrupt, kUnsupported (another version), kNotFound.
Result<Ctranslate2File> read_ctranslate2(const std::string& path);

/// The lists of config.json; a list that is missing is empty.
struct Ctranslate2Config {
  std::vector<int64_t> suppress_ids;                         ///< never sampled
  std::vector<int64_t> suppress_ids_begin;                   ///< never sampled first
  std::vector<int64_t> lang_ids;                             ///< tokens of the languages
  std::vector<std::pair<int64_t, int64_t>> alignment_heads;  ///< (layer, head)
};

Result<Ctranslate2Config> read_ctranslate2_config(const std::string& path);

}  // namespace tenwatt::files
