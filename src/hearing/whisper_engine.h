// Whisper on the engine: the programs of a model's two graphs, and the SpeechModel that runs them.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/result.h"
#include "engine/program.h"
#include "hearing/token_model.h"
#include "hearing/transcriber.h"
#include "hearing/whisper_vocabulary.h"
#include "models/whisper.h"

namespace tenwatt::hearing {

struct WhisperPlacement {
  engine::ProgramOptions encoder;
  engine::ProgramOptions decoder;
};

/// A loaded model. Immutable and thread-safe; each caller opens its own Transcriber.
class WhisperEngine : public std::enable_shared_from_this<WhisperEngine> {
 public:
  /// Loads weights and vocabulary (models/whisper_source.h says from what) and plans both graphs.
  static Result<std::shared_ptr<const WhisperEngine>> load(const std::string& path,
                                                           WhisperPlacement placement);

  /// A Transcriber of its own; `cancel`, where given, must outlive it.
  Transcriber open(const std::atomic<bool>* cancel = nullptr) const;

  const models::WhisperShape& shape() const { return shape_; }
  const WhisperVocabulary& vocabulary() const { return vocabulary_; }
  const engine::Program& encoder() const { return *encoder_; }
  const engine::Program& decoder() const { return *decoder_; }
  /// Bytes of weights and arenas now resident.
  size_t resident_bytes() const { return encoder_->resident_bytes() + decoder_->resident_bytes(); }

 private:
  friend class WhisperOnEngine;
  WhisperEngine() = default;

  models::WhisperShape shape_;
  int64_t decoder_layers_ = 0;
  WhisperVocabulary vocabulary_;
  std::shared_ptr<engine::Program> encoder_;
  std::shared_ptr<engine::Program> decoder_;
};

}  // namespace tenwatt::hearing
