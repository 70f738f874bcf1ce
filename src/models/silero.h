// Silero's voice activity detector (silero_vad_16k_sequence.onnx, silero-vad 6) as a model that
// remembers: plain samples in, one probability per 512 of them out.
//
// The file wants windows of 64 old and 512 new samples and its LSTM's state as inputs. Both become
// states of the graph, so a stream is a session and nothing else.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::models {

inline constexpr int64_t kSileroHop = 512;          ///< new samples per probability, at 16 kHz
inline constexpr int64_t kSileroContext = 64;       ///< older samples that a window starts with
inline constexpr int64_t kSileroMostWindows = 256;  ///< in one run

/// `samples` f32 [512 windows] -> `speech_probs` [windows]; the symbol `windows` is 1 to
/// kSileroMostWindows. States: ring `context` [64], values `h` and `c`. Errors: those of
/// import_onnx, and kUnsupported for another model.
Result<graph::Graph> build_silero(const std::string& path);

}  // namespace tenwatt::models
