#include "models/whisper_weights.h"

#include <fmt/format.h>

#include "files/tensor_bytes.h"

namespace tenwatt::models {
namespace {

using enum WhisperModule;

constexpr int64_t kWidest = 8192;
constexpr int64_t kMostLayers = 128;

bool all_zero(const Tensor& f32) {
  for (float value : f32.values<float>()) {
    if (value != 0) return false;
  }
  return true;
}

std::string describe(WhisperSide side) {
  return side == WhisperSide::kEncoder ? "encoder" : "decoder";
}

/// Reads tensors by place and expected shape.
class Reader {
 public:
  explicit Reader(const WhisperSource& source) : source_(source) {}

  Result<WhisperWeights> read();

 private:
  /// Where in the network the modules being read are.
  struct At {
    WhisperSide side;
    int64_t layer = 0;
  };

  Status find_shape();
  Result<Shape> extents(At at, WhisperModule module, size_t rank) const;
  WhisperName name_of(At at, WhisperModule module, WhisperLeaf leaf) const {
    return whisper_name(source_.naming(), {at.side, at.layer, module, leaf});
  }
  Result<Tensor> exact(const WhisperName& name, Shape shape) const;
  Result<Tensor> as_f32(At at, WhisperModule module, WhisperLeaf leaf, Shape shape) const;
  Result<NormWeights> norm(At at, WhisperModule module) const;
  Result<LinearWeights> linear(At at, WhisperModule module, int64_t rows, int64_t columns) const;
  Result<AttentionWeights> self_attention(At at) const;
  Result<AttentionWeights> cross_attention(At at) const;
  Result<FeedForwardWeights> feed_forward(At at) const;
  Status read_encoder(WhisperWeights& weights) const;
  Status read_decoder(WhisperWeights& weights) const;
  Result<int64_t> layers(WhisperSide side) const;

  const WhisperSource& source_;
  WhisperShape shape_;
};

/// The tensor under a name, or its part where the file stacks several: `shape` is the part's.
Result<Tensor> Reader::exact(const WhisperName& name, Shape shape) const {
  const StoredTensor stored = TENWATT_TRY(source_.stored(name.name));
  Shape whole = shape;
  whole[0] *= name.parts;
  if (stored.shape != whole) {
    return fail(ErrorCode::kCorrupt, fmt::format("{} has the shape {}, not {}", name.name,
                                                 to_string(stored.shape), to_string(whole)));
  }
  const FormatKind kind = info(stored.format).kind;
  if (kind != FormatKind::kFloat && kind != FormatKind::kBlock) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} holds {} numbers; Whisper is read in f32, f16, bf16 and ggml's "
                            "block formats",
                            name.name, info(stored.format).name),
                "convert the model with --quantization float16");
  }
  const size_t bytes = stored.bytes.size() / static_cast<size_t>(name.parts);
  return files::tensor_from_bytes(
      stored.format, std::move(shape),
      stored.bytes.subspan(static_cast<size_t>(name.part) * bytes, bytes), stored.owner);
}

Result<Tensor> Reader::as_f32(At at, WhisperModule module, WhisperLeaf leaf, Shape shape) const {
  return TENWATT_TRY(exact(name_of(at, module, leaf), std::move(shape))).to_f32();
}

Result<NormWeights> Reader::norm(At at, WhisperModule module) const {
  return NormWeights{TENWATT_TRY(as_f32(at, module, WhisperLeaf::kWeight, {shape_.width})),
                     TENWATT_TRY(as_f32(at, module, WhisperLeaf::kBias, {shape_.width}))};
}

/// A bias of zeros is dropped: keys have none, but files that stack projections store one.
Result<LinearWeights> Reader::linear(At at, WhisperModule module, int64_t rows,
                                     int64_t columns) const {
  LinearWeights weights;
  weights.weight = TENWATT_TRY(exact(name_of(at, module, WhisperLeaf::kWeight), {rows, columns}));
  if (!source_.shape(name_of(at, module, WhisperLeaf::kBias).name)) return weights;
  Tensor bias = TENWATT_TRY(as_f32(at, module, WhisperLeaf::kBias, {rows}));
  if (!all_zero(bias)) weights.bias = std::move(bias);
  return weights;
}

Result<AttentionWeights> Reader::self_attention(At at) const {
  const int64_t d = shape_.width;
  return AttentionWeights{
      TENWATT_TRY(norm(at, kSelfNorm)), TENWATT_TRY(linear(at, kSelfQuery, d, d)),
      TENWATT_TRY(linear(at, kSelfKey, d, d)), TENWATT_TRY(linear(at, kSelfValue, d, d)),
      TENWATT_TRY(linear(at, kSelfOut, d, d))};
}

Result<AttentionWeights> Reader::cross_attention(At at) const {
  const int64_t d = shape_.width;
  return AttentionWeights{
      TENWATT_TRY(norm(at, kCrossNorm)), TENWATT_TRY(linear(at, kCrossQuery, d, d)),
      TENWATT_TRY(linear(at, kCrossKey, d, d)), TENWATT_TRY(linear(at, kCrossValue, d, d)),
      TENWATT_TRY(linear(at, kCrossOut, d, d))};
}

Result<FeedForwardWeights> Reader::feed_forward(At at) const {
  const int64_t d = shape_.width;
  return FeedForwardWeights{TENWATT_TRY(norm(at, kFeedForwardNorm)),
                            TENWATT_TRY(linear(at, kUp, 4 * d, d)),
                            TENWATT_TRY(linear(at, kDown, d, 4 * d))};
}

/// The layers that have tensors; kCorrupt if the file announces another number.
Result<int64_t> Reader::layers(WhisperSide side) const {
  int64_t count = 0;
  while (count < kMostLayers &&
         source_.shape(name_of({side, count}, kSelfQuery, WhisperLeaf::kWeight).name)) {
    ++count;
  }
  const int64_t announced = source_.layers(side).value_or(count);
  if (announced == count && count > 0) return count;
  return fail(ErrorCode::kCorrupt, fmt::format("the {} has tensors for {} layers and announces {}",
                                               describe(side), count, announced));
}

Result<Shape> Reader::extents(At at, WhisperModule module, size_t rank) const {
  const std::string name = name_of(at, module, WhisperLeaf::kWeight).name;
  std::optional<Shape> shape = source_.shape(name);
  if (!shape) return fail(ErrorCode::kNotFound, "there is no tensor " + name);
  if (shape->size() == rank) return *std::move(shape);
  return fail(ErrorCode::kCorrupt, fmt::format("{} has the shape {}", name, to_string(*shape)));
}

/// The extents, from the tensors that have them.
Status Reader::find_shape() {
  const Shape conv = TENWATT_TRY(extents({WhisperSide::kEncoder}, kConv1, 3));
  const Shape audio = TENWATT_TRY(extents({WhisperSide::kEncoder}, kPositions, 2));
  const Shape text = TENWATT_TRY(extents({WhisperSide::kDecoder}, kPositions, 2));
  const Shape table = TENWATT_TRY(extents({WhisperSide::kDecoder}, kEmbeddings, 2));
  shape_ = {conv[1], conv[0], conv[0] / kWhisperHeadDim, audio[0], text[0], table[0]};
  if (shape_.width < kWhisperHeadDim || shape_.width > kWidest ||
      shape_.width % kWhisperHeadDim != 0) {
    return fail(ErrorCode::kUnsupported, fmt::format("a Whisper of width {}", shape_.width));
  }
  const int64_t heads = source_.heads().value_or(shape_.heads);
  if (heads == shape_.heads) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("{} heads over a width of {}; Whisper's heads are {} wide", heads,
                          shape_.width, kWhisperHeadDim));
}

Status Reader::read_encoder(WhisperWeights& weights) const {
  const int64_t d = shape_.width;
  const At whole{WhisperSide::kEncoder};
  using enum WhisperLeaf;
  weights.conv1_weight = TENWATT_TRY(as_f32(whole, kConv1, kWeight, {d, shape_.mels, 3}));
  weights.conv1_bias = TENWATT_TRY(as_f32(whole, kConv1, kBias, {d}));
  weights.conv2_weight = TENWATT_TRY(as_f32(whole, kConv2, kWeight, {d, d, 3}));
  weights.conv2_bias = TENWATT_TRY(as_f32(whole, kConv2, kBias, {d}));
  weights.audio_positions =
      TENWATT_TRY(as_f32(whole, kPositions, kWeight, {shape_.audio_context, d}));
  const int64_t count = TENWATT_TRY(layers(WhisperSide::kEncoder));
  for (int64_t layer = 0; layer < count; ++layer) {
    const At at{WhisperSide::kEncoder, layer};
    weights.encoder.push_back({TENWATT_TRY(self_attention(at)), TENWATT_TRY(feed_forward(at))});
  }
  weights.encoder_norm = TENWATT_TRY(norm(whole, kFinalNorm));
  return {};
}

Status Reader::read_decoder(WhisperWeights& weights) const {
  const int64_t d = shape_.width;
  const At whole{WhisperSide::kDecoder};
  weights.embeddings =
      TENWATT_TRY(exact(name_of(whole, kEmbeddings, WhisperLeaf::kWeight), {shape_.vocabulary, d}));
  weights.text_positions =
      TENWATT_TRY(as_f32(whole, kPositions, WhisperLeaf::kWeight, {shape_.text_context, d}));
  const int64_t count = TENWATT_TRY(layers(WhisperSide::kDecoder));
  for (int64_t layer = 0; layer < count; ++layer) {
    const At at{WhisperSide::kDecoder, layer};
    weights.decoder.push_back({TENWATT_TRY(self_attention(at)), TENWATT_TRY(cross_attention(at)),
                               TENWATT_TRY(feed_forward(at))});
  }
  weights.decoder_norm = TENWATT_TRY(norm(whole, kFinalNorm));
  return {};
}

Result<WhisperWeights> Reader::read() {
  TENWATT_TRY(find_shape());
  WhisperWeights weights;
  weights.shape = shape_;
  TENWATT_TRY(read_encoder(weights));
  TENWATT_TRY(read_decoder(weights));
  return weights;
}

}  // namespace

Result<WhisperWeights> read_whisper_weights(const WhisperSource& source) {
  return Reader(source).read();
}

}  // namespace tenwatt::models
