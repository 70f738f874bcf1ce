// Whisper (Radford et al. 2022, arXiv 2212.04356) as two graphs.
//
// The encoder also computes the keys and values of the decoder's cross-attention, once per window,
// so that a decoder step reads them as fixed states and never sees the encoder's rows.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "devices/interface/device.h"
#include "graph/ir/graph.h"
#include "models/whisper_weights.h"

namespace tenwatt::models {

struct WhisperGraphs {
  WhisperShape shape;
  int64_t decoder_layers = 0;
  /// `mel` f32 [mels, 2 * audio_context] -> `hidden` [audio_context, d], then for each decoder
  /// layer n `cross_k_n`, `cross_v_n` [audio_context, heads, 64].
  graph::Graph encoder;
  /// A sequence model: `ids` i32 [tokens], `positions` i32 [tokens], `wanted_rows` i32 [wanted] ->
  /// `logits` [wanted, vocabulary]. Append states `self_k_n`, `self_v_n`; fixed states `cross_k_n`,
  /// `cross_v_n` as the encoder gives them.
  graph::Graph decoder;
};

/// With kFast, the linear maps' operands may be rounded to int8; the output projection's may not.
/// Errors as read_whisper_weights.
Result<WhisperGraphs> build_whisper(const WhisperSource& source, devices::Precision precision);
Result<WhisperGraphs> build_whisper(const WhisperWeights& weights, devices::Precision precision);

/// Names of states and encoder outputs: cross_name('k', 3) is "cross_k_3".
std::string cross_name(char key_or_value, int64_t layer);

}  // namespace tenwatt::models
