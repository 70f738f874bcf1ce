#include "models/gguf_source.h"

#include <algorithm>

#include "files/gguf.h"

namespace tenwatt::models {
namespace {

using files::GgufType;

constexpr std::string_view kTokenizerKeys = "tokenizer.ggml.";

Status check_range(const std::string& key, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return {};
  return fail(ErrorCode::kCorrupt, key + " is " + std::to_string(value) + ", outside " +
                                       std::to_string(low) + ".." + std::to_string(high));
}

class GgufSource final : public ModelSource {
 public:
  explicit GgufSource(files::GgufFile file) : file_(std::move(file)) {
    for (const files::GgmlTensor& row : file_.tensors()) {
      tensors_.push_back({std::string(row.name), row.shape, row.bytes.size()});
    }
    std::ranges::sort(tensors_, {}, &SourceTensor::name);
  }

  std::span<const SourceTensor> tensors() const override { return tensors_; }
  Result<Tensor> tensor(std::string_view name) const override { return file_.tensor(name); }
  Result<text::TokenizerSpec> tokenizer() const override;

 protected:
  Result<std::optional<SourceValue>> value(std::string_view key) const override;

 private:
  Result<std::optional<text::TokenId>> token_id(const char* name) const;
  Result<std::optional<bool>> tokenizer_flag(const char* name) const;

  files::GgufFile file_;
  std::vector<SourceTensor> tensors_;
};

Result<std::optional<SourceValue>> GgufSource::value(std::string_view key) const {
  const files::GgufValue* found = file_.find(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_array) return SourceValue(TENWATT_TRY(file_.integers(key)));
  if (found->type == GgufType::kString) {
    return SourceValue(std::string(TENWATT_TRY(file_.text(key))));
  }
  if (found->type == GgufType::kBool) return SourceValue(TENWATT_TRY(file_.flag(key, false)));
  if (found->type == GgufType::kF32 || found->type == GgufType::kF64) {
    return SourceValue(TENWATT_TRY(file_.real(key)));
  }
  return SourceValue(TENWATT_TRY(file_.integer(key)));
}

Result<std::optional<text::TokenId>> GgufSource::token_id(const char* name) const {
  const std::string key = std::string(kTokenizerKeys) + name;
  if (file_.find(key) == nullptr) return std::optional<text::TokenId>();
  const int64_t id = TENWATT_TRY(file_.integer(key));
  TENWATT_TRY(check_range(key, id, 0, INT32_MAX));
  return std::optional<text::TokenId>(static_cast<text::TokenId>(id));
}

Result<std::optional<bool>> GgufSource::tokenizer_flag(const char* name) const {
  const std::string key = std::string(kTokenizerKeys) + name;
  if (file_.find(key) == nullptr) return std::optional<bool>();
  return std::optional<bool>(TENWATT_TRY(file_.flag(key, false)));
}

Result<text::TokenizerSpec> GgufSource::tokenizer() const {
  text::TokenizerSpec spec;
  spec.model = std::string(TENWATT_TRY(file_.text("tokenizer.ggml.model")));
  spec.pre = std::string(TENWATT_TRY(file_.text("tokenizer.ggml.pre", "default")));
  for (std::string_view token : TENWATT_TRY(file_.texts("tokenizer.ggml.tokens"))) {
    spec.tokens.emplace_back(token);
  }
  if (file_.find("tokenizer.ggml.scores") != nullptr) {
    spec.scores = TENWATT_TRY(file_.reals("tokenizer.ggml.scores"));
  }
  if (file_.find("tokenizer.ggml.token_type") != nullptr) {
    for (int64_t type : TENWATT_TRY(file_.integers("tokenizer.ggml.token_type"))) {
      TENWATT_TRY(check_range("tokenizer.ggml.token_type", type, 0, 6));
      spec.types.push_back(static_cast<text::TokenType>(std::max<int64_t>(type, 1)));
    }
  }
  if (file_.find("tokenizer.ggml.merges") != nullptr) {
    for (std::string_view merge : TENWATT_TRY(file_.texts("tokenizer.ggml.merges"))) {
      spec.merges.emplace_back(merge);
    }
  }
  spec.bos = TENWATT_TRY(token_id("bos_token_id"));
  spec.eos = TENWATT_TRY(token_id("eos_token_id"));
  spec.eot = TENWATT_TRY(token_id("eot_token_id"));
  spec.eom = TENWATT_TRY(token_id("eom_token_id"));
  spec.unknown = TENWATT_TRY(token_id("unknown_token_id"));
  spec.padding = TENWATT_TRY(token_id("padding_token_id"));
  spec.fim_pad = TENWATT_TRY(token_id("fim_pad_token_id"));
  spec.fim_rep = TENWATT_TRY(token_id("fim_rep_token_id"));
  spec.fim_sep = TENWATT_TRY(token_id("fim_sep_token_id"));
  spec.add_bos = TENWATT_TRY(tokenizer_flag("add_bos_token"));
  spec.add_eos = TENWATT_TRY(tokenizer_flag("add_eos_token"));
  spec.add_space_prefix = TENWATT_TRY(tokenizer_flag("add_space_prefix"));
  return spec;
}

}  // namespace

Result<std::unique_ptr<ModelSource>> open_gguf_source(const std::string& path) {
  return std::unique_ptr<ModelSource>(
      std::make_unique<GgufSource>(TENWATT_TRY(files::read_gguf(path))));
}

}  // namespace tenwatt::models
