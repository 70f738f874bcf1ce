// Voice activity on the engine: how likely each 32 ms of a stream is speech (Silero).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/program.h"
#include "hearing/speech_gate.h"

namespace tenwatt::hearing {

/// A loaded detector. Immutable and thread-safe; each stream has a VadStream of its own.
class VadEngine {
 public:
  static Result<std::shared_ptr<const VadEngine>> load(const std::string& path,
                                                       engine::ProgramOptions options);
  const engine::Program& program() const { return *program_; }

 private:
  VadEngine() = default;
  std::shared_ptr<engine::Program> program_;
};

/// One stream of 16 kHz sound. Not thread-safe.
class VadStream {
 public:
  explicit VadStream(std::shared_ptr<const VadEngine> engine);

  /// Takes any number of samples; gives the probability of each hop (kVadHop samples) that they
  /// complete. After an error the stream must not be continued.
  Result<std::vector<float>> push(std::span<const float> samples);
  /// The probability of the last, incomplete hop, filled up with zeros; none if there is none. The
  /// stream begins anew.
  Result<std::vector<float>> finish();

 private:
  Status run(std::span<const float> samples, std::vector<float>& probabilities);

  std::shared_ptr<const VadEngine> engine_;
  std::unique_ptr<engine::Session> session_;
  std::vector<float> waiting_;  // fewer than a hop
};

/// The probabilities of a whole recording, its last hop filled up with zeros.
Result<std::vector<float>> speech_probabilities(const std::shared_ptr<const VadEngine>& engine,
                                                std::span<const float> speech);

/// The stretches of speech in a whole recording.
Result<std::vector<SpeechGate::Stretch>> find_speech(const std::shared_ptr<const VadEngine>& engine,
                                                     std::span<const float> speech,
                                                     const VadOptions& options = {});

}  // namespace tenwatt::hearing
