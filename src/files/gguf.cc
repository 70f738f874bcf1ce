// Looking things up in a GGUF file that has been read: typed metadata and tensors.
#include "files/gguf.h"

#include <cstring>

namespace tenwatt::files {
namespace {

template <class T>
T at(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

struct Scalar {
  uint32_t bytes;
  std::optional<int64_t> (*integer)(const std::byte*);
  std::optional<double> (*real)(const std::byte*);
};

template <class T>
std::optional<int64_t> as_integer(const std::byte* from) {
  const T value = at<T>(from);
  if constexpr (std::is_same_v<T, uint64_t>) {
    if (value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  }
  return static_cast<int64_t>(value);
}

std::optional<int64_t> as_flag(const std::byte* from) { return *from == std::byte{0} ? 0 : 1; }

template <class T>
std::optional<double> as_real(const std::byte* from) {
  return static_cast<double>(at<T>(from));
}

std::optional<int64_t> no_integer(const std::byte*) { return std::nullopt; }
std::optional<double> no_real(const std::byte*) { return std::nullopt; }

// By GgufType. Integers are not reals: a file that stores a rate as an integer is wrong.
constexpr Scalar kScalars[] = {
    {1, as_integer<uint8_t>, no_real},  {1, as_integer<int8_t>, no_real},
    {2, as_integer<uint16_t>, no_real}, {2, as_integer<int16_t>, no_real},
    {4, as_integer<uint32_t>, no_real}, {4, as_integer<int32_t>, no_real},
    {4, no_integer, as_real<float>},    {1, as_flag, no_real},
    {0, no_integer, no_real},           {0, no_integer, no_real},
    {8, as_integer<uint64_t>, no_real}, {8, as_integer<int64_t>, no_real},
    {8, no_integer, as_real<double>},
};

const Scalar& scalar(const GgufValue& value) { return kScalars[static_cast<size_t>(value.type)]; }

std::unexpected<Error> wrong_kind(std::string_view key, std::string_view wanted) {
  return fail(ErrorCode::kCorrupt, std::string(key) + " is not " + std::string(wanted));
}

std::string_view string_at(const std::byte* from) {
  const auto length = at<uint64_t>(from);
  return {reinterpret_cast<const char*>(from) + sizeof length, static_cast<size_t>(length)};
}

// All elements through one of the conversions of kScalars.
template <class Out, class Convert>
Result<std::vector<Out>> convert_all(std::string_view key, const GgufValue& value, Convert convert,
                                     std::string_view wanted) {
  const uint32_t step = scalar(value).bytes;
  if (step == 0) return wrong_kind(key, wanted);
  std::vector<Out> all;
  all.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    const auto element = convert(&value.bytes[i * step]);
    if (!element) return wrong_kind(key, wanted);
    all.push_back(static_cast<Out>(*element));
  }
  return all;
}

Result<const GgufValue*> required(const GgufFile& file, std::string_view key) {
  if (const GgufValue* value = file.find(key)) return value;
  return fail(ErrorCode::kNotFound, file.mapping()->path() + " has no key " + std::string(key));
}

}  // namespace

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> GgufFile::keys() const {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : values_) keys.push_back(key);
  return keys;
}

Result<int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  const std::optional<int64_t> number =
      value->is_array ? std::nullopt : scalar(*value).integer(value->bytes.data());
  if (!number) return wrong_kind(key, "an integer");
  return *number;
}

Result<int64_t> GgufFile::integer(std::string_view key, int64_t fallback) const {
  return find(key) == nullptr ? Result<int64_t>(fallback) : integer(key);
}

Result<double> GgufFile::real(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  const std::optional<double> number =
      value->is_array ? std::nullopt : scalar(*value).real(value->bytes.data());
  if (!number) return wrong_kind(key, "a real number");
  return *number;
}

Result<double> GgufFile::real(std::string_view key, double fallback) const {
  return find(key) == nullptr ? Result<double>(fallback) : real(key);
}

Result<bool> GgufFile::flag(std::string_view key, bool fallback) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return fallback;
  if (value->is_array || value->type != GgufType::kBool) return wrong_kind(key, "a flag");
  return value->bytes[0] != std::byte{0};
}

Result<std::string_view> GgufFile::text(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  if (value->is_array || value->type != GgufType::kString) return wrong_kind(key, "a string");
  return string_at(value->bytes.data());
}

Result<std::string_view> GgufFile::text(std::string_view key, std::string_view fallback) const {
  return find(key) == nullptr ? Result<std::string_view>(fallback) : text(key);
}

Result<std::vector<int64_t>> GgufFile::integers(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  return convert_all<int64_t>(key, *value, scalar(*value).integer, "a list of integers");
}

Result<std::vector<float>> GgufFile::reals(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  return convert_all<float>(key, *value, scalar(*value).real, "a list of real numbers");
}

Result<std::vector<std::string_view>> GgufFile::texts(std::string_view key) const {
  const GgufValue* value = TENWATT_TRY(required(*this, key));
  if (value->type != GgufType::kString) return wrong_kind(key, "a list of strings");
  std::vector<std::string_view> all;
  all.reserve(value->count);
  size_t offset = 0;
  for (uint64_t i = 0; i < value->count; ++i) {
    all.push_back(string_at(&value->bytes[offset]));
    offset += sizeof(uint64_t) + all.back().size();
  }
  return all;
}

const GgmlTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

Result<Tensor> GgufFile::tensor(std::string_view name) const {
  const GgmlTensor* row = find_tensor(name);
  if (row == nullptr) {
    return fail(ErrorCode::kNotFound, mapping_->path() + " has no tensor " + std::string(name));
  }
  return to_tensor(*row, owner_);
}

}  // namespace tenwatt::files
