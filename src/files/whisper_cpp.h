// Whisper as whisper.cpp keeps it: one .bin with sizes, mel filters, the words of the vocabulary as
// raw bytes, and tensors one after the other, float or in ggml's block formats.
//
// Everything is checked before it is believed. The mel filters are stepped over: they are the same
// in every Whisper, and audio/mel.h computes them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "files/ggml_tensor.h"

namespace tenwatt::files {

/// The sizes at the head of the file, in its order.
struct WhisperCppSizes {
  int32_t vocabulary = 0;
  int32_t audio_context = 0;  ///< encoder rows
  int32_t audio_width = 0;
  int32_t audio_heads = 0;
  int32_t audio_layers = 0;
  int32_t text_context = 0;  ///< decoder positions
  int32_t text_width = 0;
  int32_t text_heads = 0;
  int32_t text_layers = 0;
  int32_t mels = 0;
  int32_t type = 0;  ///< ggml's number of the file's main format; told, not needed
};

/// An opened file. Immutable, so any thread may read it. Views live as long as the mapping, which
/// every Tensor made here keeps alive.
class WhisperCppFile {
 public:
  const WhisperCppSizes& sizes() const { return sizes_; }
  const std::shared_ptr<const MappedFile>& mapping() const { return mapping_; }

  /// The bytes of each text token, by id. Special tokens are not stored.
  std::span<const std::string_view> words() const { return words_; }

  std::span<const GgmlTensor> tensors() const { return tensors_; }
  const GgmlTensor* find(std::string_view name) const;
  /// The tensor, copied where its bytes are not aligned; kNotFound, or kUnsupported naming its
  /// type.
  Result<Tensor> tensor(std::string_view name) const;

 private:
  friend class WhisperCppReader;
  std::shared_ptr<const MappedFile> mapping_;
  WhisperCppSizes sizes_;
  std::vector<std::string_view> words_;
  std::vector<GgmlTensor> tensors_;
  std::map<std::string_view, size_t, std::less<>> index_;
};

/// Whether a file begins like one of these.
bool looks_like_whisper_cpp(std::span<const std::byte> bytes);

/// Maps and checks a file: kCorrupt with the offset, kUnsupported, kNotFound.
Result<WhisperCppFile> read_whisper_cpp(const std::string& path);

}  // namespace tenwatt::files
