// Whisper's weights out of any of its kinds of file, checked and taken apart: every tensor by its
// part in the network, stacked projections split by rows in place.
//
// Matrices keep the file's format (f16 as published, or ggml's blocks); norms, biases, convolutions
// and position tables are small and become f32.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "models/whisper_source.h"
#include "numbers/tensor.h"

namespace tenwatt::models {

inline constexpr int64_t kWhisperHeadDim = 64;

/// y = W x + b, W [out, in].
struct LinearWeights {
  Tensor weight;
  std::optional<Tensor> bias;
};

struct NormWeights {
  Tensor gamma;
  Tensor beta;
};

struct AttentionWeights {
  NormWeights norm;  ///< before q (and, in self-attention, k and v)
  LinearWeights q, k, v, out;
};

struct FeedForwardWeights {
  NormWeights norm;
  LinearWeights up, down;
};

struct WhisperEncoderLayer {
  AttentionWeights self;
  FeedForwardWeights feed_forward;
};

struct WhisperDecoderLayer {
  AttentionWeights self;
  AttentionWeights cross;
  FeedForwardWeights feed_forward;
};

/// The extents that tell the sizes of Whisper apart.
struct WhisperShape {
  int64_t mels = 0;           ///< 80 or 128
  int64_t width = 0;          ///< model dimension d, a multiple of the head's 64
  int64_t heads = 0;          ///< width / 64
  int64_t audio_context = 0;  ///< encoder rows (1500)
  int64_t text_context = 0;   ///< decoder positions (448)
  int64_t vocabulary = 0;
};

struct WhisperWeights {
  WhisperShape shape;
  Tensor conv1_weight, conv1_bias;  ///< [d, mels, 3], [d]
  Tensor conv2_weight, conv2_bias;  ///< [d, d, 3], [d]
  Tensor audio_positions;           ///< [audio_context, d]
  std::vector<WhisperEncoderLayer> encoder;
  NormWeights encoder_norm;
  Tensor embeddings;      ///< [vocabulary, d]; also the output projection
  Tensor text_positions;  ///< [text_context, d]
  std::vector<WhisperDecoderLayer> decoder;
  NormWeights decoder_norm;
};

/// Reads all weights; the matrices stay where the source has them. Errors: kUnsupported (sizes that
/// are no Whisper's, integer weights), kNotFound (a tensor), kCorrupt (a tensor of another shape).
Result<WhisperWeights> read_whisper_weights(const WhisperSource& source);

}  // namespace tenwatt::models
