#include "models/whisper_weights.h"

#include <fmt/format.h>

#include "files/ctranslate2.h"

namespace tenwatt::models {
namespace {

constexpr int64_t kWidest = 8192;
constexpr int64_t kMostLayers = 128;

/// Reads variables by name and expected shape.
class Reader {
 public:
  explicit Reader(const files::Ctranslate2File& file) : file_(file) {}

  Result<WhisperWeights> read();

 private:
  Status find_shape();
  Result<Tensor> exact(const std::string& name, Shape shape) const;
  Result<Tensor> as_f32(const std::string& name, Shape shape) const;
  Result<NormWeights> norm(const std::string& prefix) const;
  Result<LinearWeights> linear(const std::string& prefix, int64_t rows, int64_t columns) const;
  Result<AttentionWeights> self_attention(const std::string& prefix) const;
  Result<AttentionWeights> cross_attention(const std::string& prefix) const;
  Result<FeedForwardWeights> feed_forward(const std::string& prefix) const;
  Status read_encoder(WhisperWeights& weights) const;
  Status read_decoder(WhisperWeights& weights) const;
  int64_t layers(std::string_view part) const;

  const files::Ctranslate2File& file_;
  WhisperShape shape_;
};

std::string layer_name(std::string_view part, int64_t index) {
  return fmt::format("{}/layer_{}", part, index);
}

/// Rows [first, first + count) of a matrix or vector, sharing its memory.
Result<Tensor> rows_of(const Tensor& tensor, int64_t first, int64_t count) {
  Shape shape = tensor.shape();
  const size_t row_bytes = tensor.bytes().size() / static_cast<size_t>(shape[0]);
  shape[0] = count;
  const auto bytes = tensor.bytes().subspan(static_cast<size_t>(first) * row_bytes,
                                            static_cast<size_t>(count) * row_bytes);
  return Tensor::wrap(tensor.format(), std::move(shape), bytes, std::make_shared<Tensor>(tensor));
}

bool all_zero(const Tensor& f32) {
  for (float value : f32.values<float>()) {
    if (value != 0) return false;
  }
  return true;
}

/// Part `index` of `parts` equal ones, stacked by rows. A bias of zeros is dropped: keys have none.
Result<LinearWeights> part_of(const LinearWeights& fused, int64_t index, int64_t parts) {
  const int64_t rows = fused.weight.shape()[0] / parts;
  LinearWeights part;
  part.weight = TENWATT_TRY(rows_of(fused.weight, index * rows, rows));
  if (!fused.bias) return part;
  const Tensor bias = TENWATT_TRY(rows_of(*fused.bias, index * rows, rows));
  if (!all_zero(bias)) part.bias = bias;
  return part;
}

Result<Tensor> Reader::exact(const std::string& name, Shape shape) const {
  Tensor tensor = TENWATT_TRY(file_.tensor(name));
  if (tensor.shape() != shape) {
    return fail(ErrorCode::kCorrupt, fmt::format("{} has the shape {}, not {}", name,
                                                 to_string(tensor.shape()), to_string(shape)));
  }
  if (info(tensor.format()).kind != FormatKind::kFloat) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} holds {} numbers; Whisper is read in f32, f16 and bf16", name,
                            info(tensor.format()).name),
                "convert the model with --quantization float16");
  }
  return tensor;
}

Result<Tensor> Reader::as_f32(const std::string& name, Shape shape) const {
  return TENWATT_TRY(exact(name, std::move(shape))).to_f32();
}

Result<NormWeights> Reader::norm(const std::string& prefix) const {
  return NormWeights{TENWATT_TRY(as_f32(prefix + "/gamma", {shape_.width})),
                     TENWATT_TRY(as_f32(prefix + "/beta", {shape_.width}))};
}

Result<LinearWeights> Reader::linear(const std::string& prefix, int64_t rows,
                                     int64_t columns) const {
  LinearWeights weights;
  weights.weight = TENWATT_TRY(exact(prefix + "/weight", {rows, columns}));
  if (file_.find(prefix + "/bias") != nullptr) {
    weights.bias = TENWATT_TRY(as_f32(prefix + "/bias", {rows}));
  }
  return weights;
}

Result<AttentionWeights> Reader::self_attention(const std::string& prefix) const {
  const int64_t d = shape_.width;
  AttentionWeights weights;
  weights.norm = TENWATT_TRY(norm(prefix + "/layer_norm"));
  const LinearWeights fused = TENWATT_TRY(linear(prefix + "/linear_0", 3 * d, d));
  weights.q = TENWATT_TRY(part_of(fused, 0, 3));
  weights.k = TENWATT_TRY(part_of(fused, 1, 3));
  weights.v = TENWATT_TRY(part_of(fused, 2, 3));
  weights.out = TENWATT_TRY(linear(prefix + "/linear_1", d, d));
  return weights;
}

Result<AttentionWeights> Reader::cross_attention(const std::string& prefix) const {
  const int64_t d = shape_.width;
  AttentionWeights weights;
  weights.norm = TENWATT_TRY(norm(prefix + "/layer_norm"));
  weights.q = TENWATT_TRY(linear(prefix + "/linear_0", d, d));
  const LinearWeights fused = TENWATT_TRY(linear(prefix + "/linear_1", 2 * d, d));
  weights.k = TENWATT_TRY(part_of(fused, 0, 2));
  weights.v = TENWATT_TRY(part_of(fused, 1, 2));
  weights.out = TENWATT_TRY(linear(prefix + "/linear_2", d, d));
  return weights;
}

Result<FeedForwardWeights> Reader::feed_forward(const std::string& prefix) const {
  const int64_t d = shape_.width;
  FeedForwardWeights weights;
  weights.norm = TENWATT_TRY(norm(prefix + "/layer_norm"));
  weights.up = TENWATT_TRY(linear(prefix + "/linear_0", 4 * d, d));
  weights.down = TENWATT_TRY(linear(prefix + "/linear_1", d, 4 * d));
  return weights;
}

int64_t Reader::layers(std::string_view part) const {
  int64_t count = 0;
  while (count < kMostLayers &&
         file_.find(layer_name(part, count) + "/self_attention/linear_0/weight") != nullptr) {
    ++count;
  }
  return count;
}

/// The extents, from the tensors that have them.
Status Reader::find_shape() {
  const auto extents = [this](const std::string& name, size_t rank) -> Result<Shape> {
    const files::Ctranslate2Variable* variable = file_.find(name);
    if (variable == nullptr) return fail(ErrorCode::kNotFound, "there is no variable " + name);
    if (variable->shape.size() != rank) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} has the shape {}", name, to_string(variable->shape)));
    }
    return variable->shape;
  };
  const Shape conv = TENWATT_TRY(extents("encoder/conv1/weight", 3));
  const Shape audio = TENWATT_TRY(extents("encoder/position_encodings/encodings", 2));
  const Shape text = TENWATT_TRY(extents("decoder/position_encodings/encodings", 2));
  const Shape table = TENWATT_TRY(extents("decoder/embeddings/weight", 2));
  shape_ = {conv[1], conv[0], conv[0] / kWhisperHeadDim, audio[0], text[0], table[0]};
  if (shape_.width < kWhisperHeadDim || shape_.width > kWidest ||
      shape_.width % kWhisperHeadDim != 0) {
    return fail(ErrorCode::kUnsupported, fmt::format("a Whisper of width {}", shape_.width));
  }
  if (file_.find("encoder/num_heads") == nullptr) return {};
  const int64_t heads = TENWATT_TRY(file_.integer("encoder/num_heads"));
  if (heads == shape_.heads) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("{} heads over a width of {}; Whisper's heads are {} wide", heads,
                          shape_.width, kWhisperHeadDim));
}

Status Reader::read_encoder(WhisperWeights& weights) const {
  const int64_t d = shape_.width;
  weights.conv1_weight = TENWATT_TRY(as_f32("encoder/conv1/weight", {d, shape_.mels, 3}));
  weights.conv1_bias = TENWATT_TRY(as_f32("encoder/conv1/bias", {d}));
  weights.conv2_weight = TENWATT_TRY(as_f32("encoder/conv2/weight", {d, d, 3}));
  weights.conv2_bias = TENWATT_TRY(as_f32("encoder/conv2/bias", {d}));
  weights.audio_positions =
      TENWATT_TRY(as_f32("encoder/position_encodings/encodings", {shape_.audio_context, d}));
  const int64_t count = layers("encoder");
  for (int64_t i = 0; i < count; ++i) {
    const std::string name = layer_name("encoder", i);
    weights.encoder.push_back({TENWATT_TRY(self_attention(name + "/self_attention")),
                               TENWATT_TRY(feed_forward(name + "/ffn"))});
  }
  weights.encoder_norm = TENWATT_TRY(norm("encoder/layer_norm"));
  return {};
}

Status Reader::read_decoder(WhisperWeights& weights) const {
  const int64_t d = shape_.width;
  weights.embeddings = TENWATT_TRY(exact("decoder/embeddings/weight", {shape_.vocabulary, d}));
  weights.text_positions =
      TENWATT_TRY(as_f32("decoder/position_encodings/encodings", {shape_.text_context, d}));
  const int64_t count = layers("decoder");
  for (int64_t i = 0; i < count; ++i) {
    const std::string name = layer_name("decoder", i);
    weights.decoder.push_back({TENWATT_TRY(self_attention(name + "/self_attention")),
                               TENWATT_TRY(cross_attention(name + "/attention")),
                               TENWATT_TRY(feed_forward(name + "/ffn"))});
  }
  weights.decoder_norm = TENWATT_TRY(norm("decoder/layer_norm"));
  return {};
}

Result<WhisperWeights> Reader::read() {
  if (file_.spec() != "WhisperSpec") {
    return fail(ErrorCode::kUnsupported,
                fmt::format("a CTranslate2 model of the kind {}, not WhisperSpec", file_.spec()));
  }
  TENWATT_TRY(find_shape());
  WhisperWeights weights;
  weights.shape = shape_;
  TENWATT_TRY(read_encoder(weights));
  TENWATT_TRY(read_decoder(weights));
  if (weights.encoder.empty() || weights.decoder.empty()) {
    return fail(ErrorCode::kCorrupt, "a Whisper without layers");
  }
  return weights;
}

}  // namespace

Result<WhisperWeights> read_whisper_weights(const std::string& path) {
  const auto file = TENWATT_TRY(files::read_ctranslate2(path));
  auto weights = Reader(file).read();
  if (!weights) return fail_in(path, weights.error());
  return weights;
}

}  // namespace tenwatt::models
