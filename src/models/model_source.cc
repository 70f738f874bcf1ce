#include "models/model_source.h"

#include <algorithm>

#include "models/gguf_source.h"
#include "models/hub_source.h"

namespace tenwatt::models {
namespace {

std::unexpected<Error> wrong_kind(std::string_view key, std::string_view wanted) {
  return fail(ErrorCode::kCorrupt, std::string(key) + " is not " + std::string(wanted));
}

template <class T>
Result<T> as(std::string_view key, const SourceValue& value, std::string_view wanted) {
  if (const T* typed = std::get_if<T>(&value)) return *typed;
  return wrong_kind(key, wanted);
}

}  // namespace

Result<SourceValue> ModelSource::required(std::string_view key) const {
  std::optional<SourceValue> found = TENWATT_TRY(value(key));
  if (found) return *std::move(found);
  return fail(ErrorCode::kNotFound, "there is no key " + std::string(key));
}

bool ModelSource::has(std::string_view key) const {
  const auto found = value(key);
  return !found || found->has_value();
}

Result<int64_t> ModelSource::integer(std::string_view key) const {
  return as<int64_t>(key, TENWATT_TRY(required(key)), "an integer");
}

Result<int64_t> ModelSource::integer(std::string_view key, int64_t fallback) const {
  return has(key) ? integer(key) : Result<int64_t>(fallback);
}

Result<double> ModelSource::real(std::string_view key) const {
  return as<double>(key, TENWATT_TRY(required(key)), "a real number");
}

Result<double> ModelSource::real(std::string_view key, double fallback) const {
  return has(key) ? real(key) : Result<double>(fallback);
}

Result<bool> ModelSource::flag(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  return as<bool>(key, TENWATT_TRY(required(key)), "a flag");
}

Result<std::string> ModelSource::text(std::string_view key) const {
  return as<std::string>(key, TENWATT_TRY(required(key)), "a string");
}

Result<std::string> ModelSource::text(std::string_view key, std::string_view fallback) const {
  return has(key) ? text(key) : Result<std::string>(std::string(fallback));
}

Result<std::vector<int64_t>> ModelSource::integers(std::string_view key) const {
  const SourceValue found = TENWATT_TRY(required(key));
  if (const int64_t* scalar = std::get_if<int64_t>(&found)) return std::vector<int64_t>{*scalar};
  return as<std::vector<int64_t>>(key, found, "a list of integers");
}

const SourceTensor* ModelSource::find_tensor(std::string_view name) const {
  const auto all = tensors();
  const auto found = std::ranges::lower_bound(
      all, name, {}, [](const SourceTensor& tensor) { return std::string_view(tensor.name); });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

Result<Tensor> weight(const ModelSource& source, const std::string& name, const Shape& shape) {
  Tensor tensor = TENWATT_TRY(source.tensor(name));
  if (tensor.shape() != shape) {
    return fail(ErrorCode::kCorrupt, "tensor " + name + " has the shape " +
                                         to_string(tensor.shape()) + " where the model needs " +
                                         to_string(shape));
  }
  return tensor;
}

Result<std::unique_ptr<ModelSource>> open_model_source(const std::string& path) {
  return is_hub_model(path) ? open_hub_source(path) : open_gguf_source(path);
}

}  // namespace tenwatt::models
