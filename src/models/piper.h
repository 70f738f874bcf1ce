// A Piper voice (VITS, arXiv 2106.06103) as three graphs, cut by structure and not by names, so
// that any voice of the family works without a re-export:
//
//   encoder   phoneme ids -> per-frame mean, deviation and mask (the frame count is decided by the
//             durations that it predicts)
//   flow      those and noise, through the inverse flow -> latent z        (windows over frames)
//   vocoder   z -> samples, `hop` per frame                                (windows over frames)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/interface/device.h"
#include "files/piper_voice.h"
#include "graph/ir/graph.h"

namespace tenwatt::models {

/// The axis of flow and vocoder that is cut into windows.
inline constexpr std::string_view kFrames = "frames";

struct PiperModel {
  files::PiperVoice voice;
  graph::Graph encoder;
  graph::Graph flow;
  graph::Graph vocoder;
  /// Noise of the duration predictor: an input of the encoder, f32 [1, 2, phonemes]. Empty if the
  /// voice has a deterministic one.
  std::string duration_noise;
  /// Noise of the latent: an input of the flow, f32 [1, channels, frames].
  std::string latent_noise;
  int64_t latent_channels = 0;
  /// Outputs of the encoder, in order, are inputs of the flow by the same names, followed by the
  /// frames per phoneme id, f32 [1, 1, phonemes], under this name.
  std::string durations;
  /// Output of the flow and input of the vocoder.
  std::string latent;
  /// Samples per frame.
  int64_t hop = 0;
};

/// Reads NAME.onnx and NAME.onnx.json beside it. Where `vocoder` is kFast, the vocoder's
/// convolutions let their operands be rounded to bf16; encoder and flow would lose too much by it.
Result<PiperModel> read_piper(const std::string& onnx_path,
                              devices::Precision vocoder = devices::Precision::kExact);

/// Cuts an imported voice; `graph` has the inputs input, input_lengths, scales and perhaps sid.
Result<PiperModel> cut_piper(graph::Graph graph, files::PiperVoice voice);

}  // namespace tenwatt::models
