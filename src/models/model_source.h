// Where a language model's parts come from, whatever its files are: hyperparameters under the keys
// of GGUF, tensors under the names of GGUF with GGUF's order of rows, and the tokeniser. A family
// (llama.h and its like) is written once against this; each kind of file fills it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "numbers/tensor.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::models {

/// A hyperparameter. Whole numbers of every width are int64_t; a list of one may stand for a scalar
/// and the other way round only where `integers` is asked for.
using SourceValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>>;

/// What is known of a tensor before it is read.
struct SourceTensor {
  std::string name;  ///< GGUF's: "blk.0.attn_q.weight"
  Shape shape;       ///< outermost first
  size_t bytes = 0;  ///< as stored
};

/// An opened model. Immutable, so any thread may read it.
class ModelSource {
 public:
  virtual ~ModelSource() = default;

  /// A missing key without a fallback is kNotFound; a value of another kind is kCorrupt.
  bool has(std::string_view key) const;
  Result<int64_t> integer(std::string_view key) const;
  Result<int64_t> integer(std::string_view key, int64_t fallback) const;
  Result<double> real(std::string_view key) const;
  Result<double> real(std::string_view key, double fallback) const;
  Result<bool> flag(std::string_view key, bool fallback) const;
  Result<std::string> text(std::string_view key) const;
  Result<std::string> text(std::string_view key, std::string_view fallback) const;
  /// A scalar counts as a list of one (keys that may be given per layer).
  Result<std::vector<int64_t>> integers(std::string_view key) const;

  const SourceTensor* find_tensor(std::string_view name) const;

  /// All tensors that have a place in the model, by name ascending.
  virtual std::span<const SourceTensor> tensors() const = 0;
  /// In place where the file allows it; kNotFound, or kUnsupported naming the number format.
  virtual Result<Tensor> tensor(std::string_view name) const = 0;
  /// The tokeniser that comes with the model.
  virtual Result<text::TokenizerSpec> tokenizer() const = 0;

 protected:
  /// The value under a key, or nothing; kCorrupt if no SourceValue can hold it.
  virtual Result<std::optional<SourceValue>> value(std::string_view key) const = 0;

 private:
  Result<SourceValue> required(std::string_view key) const;
};

/// A tensor of this name whose shape is exactly `shape`; kCorrupt otherwise.
Result<Tensor> weight(const ModelSource& source, const std::string& name, const Shape& shape);

/// Opens a GGUF file, or the folder of a model as hubs publish it (or a file of tensors in it).
Result<std::unique_ptr<ModelSource>> open_model_source(const std::string& path);

}  // namespace tenwatt::models
