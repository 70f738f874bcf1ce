#include "files/ctranslate2.h"

#include <iterator>

#include "files/byte_reader.h"
#include "files/foreign.h"
#include "files/json_file.h"
#include "files/tensor_bytes.h"

namespace tenwatt::files {
namespace {

constexpr uint32_t kVersion = 6;
constexpr uint8_t kMaxRank = 8;
constexpr uint64_t kMinVariable = 2 + 1 + 1 + 1 + 4;  // least bytes of one variable
constexpr Format kFormats[] = {Format::kF32, Format::kI8,  Format::kI16,
                               Format::kI32, Format::kF16, Format::kBF16};

// u16 length, which counts the NUL that ends the text.
Result<std::string_view> read_string(ByteReader& in) {
  const auto length = TENWATT_TRY(in.read<uint16_t>());
  const std::string_view text = TENWATT_TRY(in.text(length));
  if (text.empty() || text.find('\0') != text.size() - 1) {
    return fail(ErrorCode::kCorrupt, "a name that doesn't end in one NUL");
  }
  return text.substr(0, text.size() - 1);
}

}  // namespace

/// One pass over one file.
class Ctranslate2Reader {
 public:
  explicit Ctranslate2Reader(std::shared_ptr<const MappedFile> mapping) : in_(mapping->bytes()) {
    file_.mapping_ = std::move(mapping);
  }

  Result<Ctranslate2File> read() {
    if (in_.left() < sizeof kVersion || TENWATT_TRY(in_.read<uint32_t>()) != kVersion) {
      return not_this_format(ErrorCode::kUnsupported, "a CTranslate2 model of version 6",
                             file_.mapping_->bytes(),
                             "Whisper is read from CTranslate2's model.bin, whisper.cpp's .bin, "
                             "and folders of hubs with safetensors");
    }
    file_.spec_ = TENWATT_TRY(read_string(in_));
    file_.revision_ = TENWATT_TRY(in_.read<uint32_t>());
    TENWATT_TRY(read_variables());
    TENWATT_TRY(read_aliases());
    return std::move(file_);
  }

 private:
  Status read_variables() {
    const auto count = TENWATT_TRY(in_.read<uint32_t>());
    if (count > in_.left() / kMinVariable) {
      return fail(ErrorCode::kCorrupt, std::to_string(count) + " variables don't fit the file");
    }
    for (uint32_t i = 0; i < count; ++i) {
      Ctranslate2Variable variable;
      variable.name = TENWATT_TRY(read_string(in_));
      Status rest = read_after_name(variable);
      if (!rest) return fail_in("variable " + std::string(variable.name), std::move(rest).error());
      TENWATT_TRY(add_name(variable.name, file_.variables_.size()));
      file_.variables_.push_back(std::move(variable));
    }
    return {};
  }

  Status read_after_name(Ctranslate2Variable& variable) {
    const auto rank = TENWATT_TRY(in_.read<uint8_t>());
    if (rank > kMaxRank) return fail(ErrorCode::kCorrupt, "more than 8 dimensions");
    for (uint8_t axis = 0; axis < rank; ++axis) {
      variable.shape.push_back(TENWATT_TRY(in_.read<uint32_t>()));
    }
    const auto type = TENWATT_TRY(in_.read<uint8_t>());
    if (type >= std::size(kFormats)) {
      return fail(ErrorCode::kUnsupported, "the unknown number format " + std::to_string(type));
    }
    variable.format = kFormats[type];
    const auto size = TENWATT_TRY(in_.read<uint32_t>());
    const int64_t count = TENWATT_TRY(checked_elements(variable.shape));
    if (TENWATT_TRY(storage_bytes(variable.format, count)) != size) {
      return fail(ErrorCode::kCorrupt,
                  std::to_string(size) + " bytes for the shape " + to_string(variable.shape));
    }
    variable.bytes = TENWATT_TRY(in_.take(size));
    return {};
  }

  // An alias of a quantised weight stands for the weight's scale too.
  Status read_aliases() {
    const auto count = TENWATT_TRY(in_.read<uint32_t>());
    for (uint32_t i = 0; i < count; ++i) {
      const std::string alias(TENWATT_TRY(read_string(in_)));
      const std::string target(TENWATT_TRY(read_string(in_)));
      const auto found = file_.index_.find(target);
      if (found == file_.index_.end()) {
        return fail(ErrorCode::kCorrupt,
                    "the alias " + alias + " names " + target + ", which is not there");
      }
      TENWATT_TRY(add_name(alias, found->second));
      const auto scale = file_.index_.find(target + "_scale");
      if (scale != file_.index_.end()) TENWATT_TRY(add_name(alias + "_scale", scale->second));
    }
    return {};
  }

  Status add_name(std::string_view name, size_t variable) {
    if (file_.index_.emplace(name, variable).second) return {};
    return fail(ErrorCode::kCorrupt, "the name " + std::string(name) + " occurs twice");
  }

  ByteReader in_;
  Ctranslate2File file_;
};

Result<Ctranslate2File> read_ctranslate2(const std::string& path) {
  Result<Ctranslate2File> file = Ctranslate2Reader(TENWATT_TRY(MappedFile::open(path))).read();
  if (!file) return fail_in(path, std::move(file).error());
  return file;
}

const Ctranslate2Variable* Ctranslate2File::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &variables_[found->second];
}

Result<Tensor> Ctranslate2File::tensor(std::string_view name) const {
  const Ctranslate2Variable* variable = find(name);
  if (variable == nullptr) {
    return fail(ErrorCode::kNotFound, mapping_->path() + " has no variable " + std::string(name));
  }
  return tensor_from_bytes(variable->format, variable->shape, variable->bytes, mapping_);
}

Result<int64_t> Ctranslate2File::integer(std::string_view name) const {
  const Tensor value = TENWATT_TRY(tensor(name));
  if (value.count() != 1 || info(value.format()).kind != FormatKind::kInteger) {
    return fail(ErrorCode::kCorrupt, std::string(name) + " is not one integer");
  }
  if (value.format() == Format::kI32) return value.values<int32_t>()[0];
  const Tensor as_float = TENWATT_TRY(value.to_f32());  // exact for the narrower ones
  return static_cast<int64_t>(as_float.values<float>()[0]);
}

Result<Ctranslate2Config> read_ctranslate2_config(const std::string& path) {
  const nlohmann::json json = TENWATT_TRY(read_json(path));
  const JsonView view(json, path);
  Ctranslate2Config config;
  config.suppress_ids = TENWATT_TRY(view.integers("suppress_ids"));
  config.suppress_ids_begin = TENWATT_TRY(view.integers("suppress_ids_begin"));
  config.lang_ids = TENWATT_TRY(view.integers("lang_ids"));
  for (const JsonView& pair : TENWATT_TRY(view.items("alignment_heads"))) {
    const std::vector<int64_t> ids = TENWATT_TRY(pair.as_integers());
    if (ids.size() != 2) {
      return fail(ErrorCode::kCorrupt, path + ": alignment_heads has an entry that is no pair");
    }
    config.alignment_heads.emplace_back(ids[0], ids[1]);
  }
  return config;
}

}  // namespace tenwatt::files
