// Parsing and checking of a GGUF file: header, metadata, tensor table, layout of the data; and
// joining the files of a model that is split.
#include <algorithm>
#include <bit>

#include "files/byte_reader.h"
#include "files/foreign.h"
#include "files/gguf.h"
#include "files/gguf_rules.h"
#include "files/gguf_split.h"

namespace tenwatt::files {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint64_t kMaxString = uint64_t{1} << 30;
constexpr uint64_t kMaxArray = uint64_t{1} << 30;
constexpr size_t kMaxTensorName = 63;
constexpr uint32_t kMaxRank = 4;
constexpr int64_t kMinAlignment = 8;
constexpr int64_t kMaxAlignment = int64_t{1} << 20;
// The least bytes that a metadata pair and a row of the tensor table take.
constexpr uint64_t kMinPair = 8 + 1 + 4 + 1;
constexpr uint64_t kMinTensorRow = 8 + 1 + 4 + 4 + 8;

// Bytes of a scalar; for a string the bytes of its length. None for arrays and unknown types.
std::optional<uint32_t> scalar_bytes(int32_t type) {
  constexpr uint32_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8};
  if (type < 0 || type >= static_cast<int32_t>(std::size(kBytes)) || kBytes[type] == 0) {
    return std::nullopt;
  }
  return kBytes[type];
}

Result<std::string_view> read_string(ByteReader& in) {
  const auto length = TENWATT_TRY(in.read<uint64_t>());
  if (length > kMaxString) {
    return fail(ErrorCode::kCorrupt, "a string of " + std::to_string(length) + " bytes");
  }
  return in.text(length);
}

// The elements of a scalar or an array, whose type is known; strings are walked to find the end.
Result<std::span<const std::byte>> read_elements(ByteReader& in, GgufType type, uint64_t count,
                                                 std::span<const std::byte> file) {
  const uint32_t least = *scalar_bytes(static_cast<int32_t>(type));
  if (count > kMaxArray || count > in.left() / least) {
    return fail(ErrorCode::kCorrupt, "an array of " + std::to_string(count) + " elements with " +
                                         std::to_string(in.left()) + " bytes left");
  }
  if (type != GgufType::kString) return in.take(count * least);
  const size_t begin = in.position();
  for (uint64_t i = 0; i < count; ++i) TENWATT_TRY(read_string(in));
  return file.subspan(begin, in.position() - begin);
}

Result<GgufValue> read_value(ByteReader& in, std::span<const std::byte> file) {
  GgufValue value;
  auto type = TENWATT_TRY(in.read<int32_t>());
  value.is_array = type == static_cast<int32_t>(GgufType::kArray);
  if (value.is_array) {
    type = TENWATT_TRY(in.read<int32_t>());
    value.count = TENWATT_TRY(in.read<uint64_t>());
  }
  if (!scalar_bytes(type)) {
    return fail(ErrorCode::kCorrupt, "unknown value type " + std::to_string(type));
  }
  value.type = static_cast<GgufType>(type);
  value.bytes = TENWATT_TRY(read_elements(in, value.type, value.count, file));
  return value;
}

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

/// One pass over one file.
class GgufReader {
 public:
  explicit GgufReader(std::shared_ptr<const MappedFile> mapping)
      : bytes_(mapping->bytes()), in_(bytes_) {
    file_.owner_ = mapping;
    file_.mapping_ = std::move(mapping);
  }

  Result<GgufFile> read() {
    TENWATT_TRY(read_header());
    for (uint64_t i = 0; i < pairs_; ++i) TENWATT_TRY(read_pair());
    for (uint64_t i = 0; i < rows_; ++i) TENWATT_TRY(read_row());
    TENWATT_TRY(place_tensors());
    return std::move(file_);
  }

 private:
  Status read_header() {
    const auto magic = in_.text(kMagic.size());
    if (!magic || *magic != kMagic) {
      return not_this_format(ErrorCode::kCorrupt, "a GGUF file", bytes_);
    }
    file_.version_ = TENWATT_TRY(in_.read<uint32_t>());
    if ((file_.version_ & 0xffff) == 0) {
      return fail(ErrorCode::kUnsupported, "a big-endian GGUF file");
    }
    if (file_.version_ < 2 || file_.version_ > 3) {
      return fail(ErrorCode::kUnsupported,
                  "GGUF version " + std::to_string(file_.version_) + " (2 and 3 are read)",
                  "convert the model again with a current llama.cpp");
    }
    rows_ = TENWATT_TRY(in_.read<uint64_t>());
    pairs_ = TENWATT_TRY(in_.read<uint64_t>());
    if (pairs_ > in_.left() / kMinPair || rows_ > in_.left() / kMinTensorRow) {
      return fail(ErrorCode::kCorrupt, std::to_string(pairs_) + " metadata pairs and " +
                                           std::to_string(rows_) + " tensors don't fit " +
                                           std::to_string(bytes_.size()) + " bytes");
    }
    return {};
  }

  Status read_pair() {
    const std::string_view key = TENWATT_TRY(read_string(in_));
    if (key.empty()) return fail(ErrorCode::kCorrupt, "a metadata pair without a key");
    Result<GgufValue> value = read_value(in_, bytes_);
    if (!value) return fail_in(key, std::move(value).error());
    if (!file_.values_.emplace(key, *value).second) {
      return fail(ErrorCode::kCorrupt, "the key " + std::string(key) + " occurs twice");
    }
    return {};
  }

  Status read_row() {
    GgmlTensor tensor;
    tensor.name = TENWATT_TRY(read_string(in_));
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorName) {
      return fail(ErrorCode::kCorrupt, "a tensor name of " + std::to_string(tensor.name.size()) +
                                           " bytes (1 to 63 are valid)");
    }
    Status rest = read_row_after_name(tensor);
    if (!rest) return fail_in("tensor " + std::string(tensor.name), std::move(rest).error());
    if (!file_.tensor_index_.emplace(tensor.name, file_.tensors_.size()).second) {
      return fail(ErrorCode::kCorrupt, "the tensor " + std::string(tensor.name) + " occurs twice");
    }
    file_.tensors_.push_back(std::move(tensor));
    return {};
  }

  Status read_row_after_name(GgmlTensor& tensor) {
    const auto rank = TENWATT_TRY(in_.read<uint32_t>());
    if (rank > kMaxRank) {
      return fail(ErrorCode::kCorrupt, std::to_string(rank) + " dimensions (at most 4)");
    }
    tensor.shape.resize(rank);
    for (uint32_t i = 0; i < rank; ++i) {
      tensor.shape[rank - 1 - i] = TENWATT_TRY(in_.read<int64_t>());
    }
    const GgmlType* type = TENWATT_TRY(find_ggml_type(TENWATT_TRY(in_.read<int32_t>())));
    tensor.type = type->name;
    tensor.format = type->format;
    const auto offset = TENWATT_TRY(in_.read<uint64_t>());
    sizes_.push_back(TENWATT_TRY(ggml_bytes(*type, tensor.shape)));
    offsets_.push_back(offset);
    return {};
  }

  // Any aligned, disjoint places inside the data are accepted, also with gaps between them.
  Status place_tensors() {
    const int64_t alignment = TENWATT_TRY(file_.integer("general.alignment", 32));
    if (alignment < kMinAlignment || alignment > kMaxAlignment ||
        !std::has_single_bit(static_cast<uint64_t>(alignment))) {
      return fail(ErrorCode::kCorrupt,
                  "general.alignment is " + std::to_string(alignment) + ", not a power of two");
    }
    const uint64_t unit = static_cast<uint64_t>(alignment);
    const uint64_t start = round_up(in_.position(), unit);
    const uint64_t data = start <= bytes_.size() ? bytes_.size() - start : 0;
    for (size_t i = 0; i < file_.tensors_.size(); ++i) {
      GgmlTensor& tensor = file_.tensors_[i];
      if (offsets_[i] % unit != 0 || offsets_[i] > data || sizes_[i] > data - offsets_[i]) {
        return fail(
            ErrorCode::kCorrupt,
            "tensor " + std::string(tensor.name) + " lies outside the file or is not aligned",
            "the file may be cut short: download it again");
      }
      if (sizes_[i] > 0) tensor.bytes = bytes_.subspan(start + offsets_[i], sizes_[i]);
    }
    return check_disjoint();
  }

  Status check_disjoint() const {
    std::vector<const GgmlTensor*> order;
    for (const GgmlTensor& tensor : file_.tensors_) {
      if (!tensor.bytes.empty()) order.push_back(&tensor);
    }
    std::ranges::sort(order, {}, [](const GgmlTensor* tensor) { return tensor->bytes.data(); });
    for (size_t i = 1; i < order.size(); ++i) {
      const auto& before = order[i - 1]->bytes;
      if (before.data() + before.size() <= order[i]->bytes.data()) continue;
      return fail(ErrorCode::kCorrupt, "the tensors " + std::string(order[i - 1]->name) + " and " +
                                           std::string(order[i]->name) + " overlap");
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  ByteReader in_;
  GgufFile file_;
  uint64_t pairs_ = 0;
  uint64_t rows_ = 0;
  std::vector<uint64_t> offsets_;
  std::vector<uint64_t> sizes_;
};

namespace {

/// One file, whatever part of a model it is.
Result<GgufFile> read_part(const std::string& path) {
  Result<GgufFile> file = GgufReader(TENWATT_TRY(MappedFile::open(path))).read();
  if (!file) return fail_in(path, std::move(file).error());
  return file;
}

/// `part` is the one at `place` among `split`'s parts.
Status check_part(const GgufFile& part, const GgufSplit& split, int64_t place) {
  const int64_t number = TENWATT_TRY(part.integer("split.no", 0));
  const int64_t count = TENWATT_TRY(part.integer("split.count", 1));
  if (number == place && count == split.count) return {};
  return fail(ErrorCode::kCorrupt,
              "this is part " + std::to_string(number + 1) + " of " + std::to_string(count) +
                  " where part " + std::to_string(place + 1) + " of " +
                  std::to_string(split.count) + " belongs",
              "the parts belong to different models or are misnamed: download them again");
}

}  // namespace

/// Puts the parts of a model together.
class GgufJoiner {
 public:
  static Result<GgufFile> join(const GgufSplit& split) {
    GgufFile whole;
    auto owners = std::make_shared<std::vector<std::shared_ptr<const void>>>();
    for (int64_t place = 0; place < split.count; ++place) {
      const std::string path = split.path(place);
      Result<GgufFile> part = read_part(path);
      if (!part && part.error().code == ErrorCode::kNotFound) {
        return fail(ErrorCode::kNotFound,
                    "part " + std::to_string(place + 1) + " of " + std::to_string(split.count) +
                        " of the model is missing: " + path,
                    "put all parts into one folder");
      }
      if (!part) return part;
      const Status fits = check_part(*part, split, place);
      if (!fits) return fail_in(path, fits.error());
      owners->push_back(part->owner_);
      if (place == 0) {
        whole = *std::move(part);
        continue;
      }
      const Status added = add(whole, *part);
      if (!added) return fail_in(path, added.error());
    }
    whole.owner_ = std::move(owners);
    TENWATT_TRY(check_count(whole, split));
    return whole;
  }

 private:
  static Status add(GgufFile& whole, const GgufFile& part) {
    for (const GgmlTensor& tensor : part.tensors_) {
      if (!whole.tensor_index_.emplace(tensor.name, whole.tensors_.size()).second) {
        return fail(ErrorCode::kCorrupt, "the tensor " + std::string(tensor.name) +
                                             " is in an earlier part of the model too");
      }
      whole.tensors_.push_back(tensor);
    }
    return {};
  }

  static Status check_count(const GgufFile& whole, const GgufSplit& split) {
    const auto found = static_cast<int64_t>(whole.tensors().size());
    const int64_t announced = TENWATT_TRY(whole.integer("split.tensors.count", found));
    if (announced == found) return {};
    return fail(ErrorCode::kCorrupt,
                split.path(0) + ": the parts have " + std::to_string(found) +
                    " tensors together, and " + std::to_string(announced) + " are announced",
                "the parts belong to different models: download them again");
  }
};

Result<GgufFile> read_gguf(const std::string& path) {
  GgufFile file = TENWATT_TRY(read_part(path));
  const Result<GgufSplit> split = split_of(file, path);
  if (!split) return fail_in(path, split.error());
  if (split->count > 1) file = TENWATT_TRY(GgufJoiner::join(*split));
  const Status rules = check_gguf_rules(file);
  if (!rules) return fail_in(path, rules.error());
  return file;
}

}  // namespace tenwatt::files
