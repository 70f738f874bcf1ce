// Where Whisper's parts come from. The network is one; the files that carry it differ in what they
// call a tensor, in which projections they store as one, and in how they spell the vocabulary.
// whisper_weights.h reads any of them through this.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "numbers/tensor.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::models {

enum class WhisperSide : uint8_t { kEncoder, kDecoder };

/// A piece of the network that has weights of its own. Those from kSelfNorm to kDown occur once a
/// layer.
enum class WhisperModule : uint8_t {
  kConv1,
  kConv2,
  kPositions,
  kEmbeddings,
  kFinalNorm,
  kSelfNorm,
  kSelfQuery,
  kSelfKey,
  kSelfValue,
  kSelfOut,
  kCrossNorm,
  kCrossQuery,
  kCrossKey,
  kCrossValue,
  kCrossOut,
  kFeedForwardNorm,
  kUp,
  kDown,
};

enum class WhisperLeaf : uint8_t { kWeight, kBias };

/// One tensor of the network.
struct WhisperPlace {
  WhisperSide side = WhisperSide::kEncoder;
  int64_t layer = 0;  ///< of modules that occur once a layer
  WhisperModule module = WhisperModule::kConv1;
  WhisperLeaf leaf = WhisperLeaf::kWeight;
};

/// How a kind of file names its tensors.
enum class WhisperNaming : uint8_t { kOpenAi, kCtranslate2, kHub };

/// The name of a place, and which of `parts` equal stacks of rows of that tensor it is.
struct WhisperName {
  std::string name;
  int64_t part = 0;
  int64_t parts = 1;
};
WhisperName whisper_name(WhisperNaming naming, const WhisperPlace& place);

/// A tensor as its file has it, at any address.
struct StoredTensor {
  Format format = Format::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// An opened model. Immutable.
class WhisperSource {
 public:
  virtual ~WhisperSource() = default;

  /// The shape under the file's own name, or nothing.
  virtual std::optional<Shape> shape(std::string_view name) const = 0;
  /// kNotFound, or kUnsupported where numbers/ doesn't have its format.
  virtual Result<StoredTensor> stored(std::string_view name) const = 0;
  virtual WhisperNaming naming() const = 0;
  /// What the file says about its sizes, where it does; each is checked against the tensors.
  virtual std::optional<int64_t> heads() const { return std::nullopt; }
  virtual std::optional<int64_t> layers(WhisperSide) const { return std::nullopt; }
  /// The tokeniser that belongs to the weights.
  virtual Result<text::TokenizerSpec> vocabulary() const = 0;
};

/// Whether a path is, by its name or its config.json, what open_whisper_source is for.
bool looks_like_whisper(const std::string& path);

/// Opens a folder of CTranslate2 (model.bin beside vocabulary.txt or tokenizer.json), that folder's
/// model.bin, a .bin of whisper.cpp, or a hub's folder (config.json, safetensors, tokenizer.json).
/// kUnsupported with what is read for anything else.
Result<std::unique_ptr<WhisperSource>> open_whisper_source(const std::string& path);

}  // namespace tenwatt::models
