#include "files/whisper_cpp.h"

#include <cstring>

#include "files/byte_reader.h"

namespace tenwatt::files {
namespace {

constexpr uint32_t kMagic = 0x67676d6c;
constexpr int32_t kMaxRank = 4;
constexpr int32_t kMaxName = 255;
constexpr int32_t kFilterBins = 201;  // of a transform over 400 samples
// The least bytes that a word takes: its length.
constexpr uint64_t kMinWord = 4;

/// A size of the head with what it may be.
struct Bound {
  std::string_view name;
  int32_t WhisperCppSizes::* size;
  int32_t most;
};
constexpr Bound kBounds[] = {
    {"n_vocab", &WhisperCppSizes::vocabulary, 1 << 20},
    {"n_audio_ctx", &WhisperCppSizes::audio_context, 1 << 16},
    {"n_audio_state", &WhisperCppSizes::audio_width, 1 << 13},
    {"n_audio_head", &WhisperCppSizes::audio_heads, 1 << 10},
    {"n_audio_layer", &WhisperCppSizes::audio_layers, 128},
    {"n_text_ctx", &WhisperCppSizes::text_context, 1 << 16},
    {"n_text_state", &WhisperCppSizes::text_width, 1 << 13},
    {"n_text_head", &WhisperCppSizes::text_heads, 1 << 10},
    {"n_text_layer", &WhisperCppSizes::text_layers, 128},
    {"n_mels", &WhisperCppSizes::mels, 1 << 10},
};

std::unexpected<Error> corrupt(std::string message) {
  return fail(ErrorCode::kCorrupt, std::move(message),
              "the file may be damaged or cut short: download or convert it again");
}

}  // namespace

/// One pass over one file.
class WhisperCppReader {
 public:
  explicit WhisperCppReader(std::shared_ptr<const MappedFile> mapping) : in_(mapping->bytes()) {
    file_.mapping_ = std::move(mapping);
  }

  Result<WhisperCppFile> read() {
    if (!looks_like_whisper_cpp(file_.mapping_->bytes())) {
      return fail(ErrorCode::kUnsupported, "this is not a Whisper model of whisper.cpp");
    }
    TENWATT_TRY(in_.take(sizeof kMagic));
    TENWATT_TRY(read_sizes());
    TENWATT_TRY(skip_filters());
    TENWATT_TRY(read_words());
    while (in_.left() > 0) {
      const size_t begin = in_.position();
      Status tensor = read_tensor();
      if (!tensor) return fail_in("tensor at byte " + std::to_string(begin), tensor.error());
    }
    if (file_.tensors_.empty()) return corrupt("the file has no tensors");
    return std::move(file_);
  }

 private:
  Status read_sizes() {
    for (const Bound& bound : kBounds) {
      const size_t at = in_.position();
      const auto size = TENWATT_TRY(in_.read<int32_t>());
      if (size < 1 || size > bound.most) {
        return corrupt(std::string(bound.name) + " at byte " + std::to_string(at) + " is " +
                       std::to_string(size) + ", outside 1 to " + std::to_string(bound.most));
      }
      file_.sizes_.*bound.size = size;
    }
    file_.sizes_.type = TENWATT_TRY(in_.read<int32_t>());
    return {};
  }

  Status skip_filters() {
    const auto mels = TENWATT_TRY(in_.read<int32_t>());
    const auto bins = TENWATT_TRY(in_.read<int32_t>());
    if (mels != file_.sizes_.mels || bins != kFilterBins) {
      return corrupt("mel filters of " + std::to_string(mels) + " by " + std::to_string(bins) +
                     " where " + std::to_string(file_.sizes_.mels) + " by " +
                     std::to_string(kFilterBins) + " belong");
    }
    TENWATT_TRY(in_.take(static_cast<uint64_t>(mels) * kFilterBins * sizeof(float)));
    return {};
  }

  Status read_words() {
    const auto count = TENWATT_TRY(in_.read<int32_t>());
    if (count < 0 || count > file_.sizes_.vocabulary ||
        static_cast<uint64_t>(count) > in_.left() / kMinWord) {
      return corrupt(std::to_string(count) + " words in a vocabulary of " +
                     std::to_string(file_.sizes_.vocabulary) + ", with " +
                     std::to_string(in_.left()) + " bytes left");
    }
    file_.words_.reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) {
      const auto length = TENWATT_TRY(in_.read<uint32_t>());
      Result<std::string_view> word = in_.text(length);
      if (!word) return fail_in("word " + std::to_string(i), std::move(word).error());
      file_.words_.push_back(*word);
    }
    return {};
  }

  Status read_tensor() {
    const auto rank = TENWATT_TRY(in_.read<int32_t>());
    const auto name_length = TENWATT_TRY(in_.read<int32_t>());
    const auto type_id = TENWATT_TRY(in_.read<int32_t>());
    if (rank < 1 || rank > kMaxRank) {
      return corrupt(std::to_string(rank) + " dimensions (1 to 4 are valid)");
    }
    if (name_length < 1 || name_length > kMaxName) {
      return corrupt("a name of " + std::to_string(name_length) + " bytes (1 to 255 are valid)");
    }
    GgmlTensor tensor;
    tensor.shape.resize(static_cast<size_t>(rank));
    for (int32_t i = rank - 1; i >= 0; --i) {
      tensor.shape[static_cast<size_t>(i)] = TENWATT_TRY(in_.read<int32_t>());
    }
    tensor.name = TENWATT_TRY(in_.text(static_cast<uint64_t>(name_length)));
    Status rest = read_data(tensor, type_id);
    if (!rest) return fail_in(tensor.name, std::move(rest).error());
    if (!file_.index_.emplace(tensor.name, file_.tensors_.size()).second) {
      return corrupt("the name " + std::string(tensor.name) + " occurs twice");
    }
    file_.tensors_.push_back(std::move(tensor));
    return {};
  }

  Status read_data(GgmlTensor& tensor, int32_t type_id) {
    const GgmlType* type = TENWATT_TRY(find_ggml_type(type_id));
    tensor.type = type->name;
    tensor.format = type->format;
    for (const int64_t extent : tensor.shape) {
      if (extent < 1) return corrupt("the shape " + to_string(tensor.shape));
    }
    tensor.bytes = TENWATT_TRY(in_.take(TENWATT_TRY(ggml_bytes(*type, tensor.shape))));
    return {};
  }

  ByteReader in_;
  WhisperCppFile file_;
};

bool looks_like_whisper_cpp(std::span<const std::byte> bytes) {
  uint32_t magic = 0;
  if (bytes.size() < sizeof magic) return false;
  std::memcpy(&magic, bytes.data(), sizeof magic);
  return magic == kMagic;
}

Result<WhisperCppFile> read_whisper_cpp(const std::string& path) {
  Result<WhisperCppFile> file = WhisperCppReader(TENWATT_TRY(MappedFile::open(path))).read();
  if (!file) return fail_in(path, std::move(file).error());
  return file;
}

const GgmlTensor* WhisperCppFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

Result<Tensor> WhisperCppFile::tensor(std::string_view name) const {
  const GgmlTensor* row = find(name);
  if (row == nullptr) {
    return fail(ErrorCode::kNotFound, mapping_->path() + " has no tensor " + std::string(name));
  }
  return to_tensor(*row, mapping_);
}

}  // namespace tenwatt::files
