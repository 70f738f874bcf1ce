#include "hearing/whisper_engine.h"

#include <fmt/format.h>

#include <utility>

#include "hearing/segmenter.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

/// One window's tokens: a session of the decoder whose cross-attention states are set.
class TokensOnEngine final : public TokenModel {
 public:
  TokensOnEngine(const engine::Program& program, std::unique_ptr<engine::Session> session,
                 engine::RunOptions options)
      : program_(program), session_(std::move(session)), options_(std::move(options)) {}

  Result<std::span<const float>> step(std::span<const TokenId> tokens,
                                      std::span<const int64_t> wanted) override {
    const auto rows = static_cast<int64_t>(tokens.size());
    engine::Batch batch;
    batch.slices.push_back({session_.get(), rows, {wanted.begin(), wanted.end()}});
    batch.inputs.emplace("ids", Tensor::of(tokens, {rows}));
    std::vector<Tensor> outputs = TENWATT_TRY(program_.run(batch, options_));
    logits_ = std::move(outputs.front());
    return logits_.values<float>();
  }

  Status rewind(int64_t length) override { return session_->truncate(length); }

 private:
  const engine::Program& program_;
  std::unique_ptr<engine::Session> session_;
  engine::RunOptions options_;
  Tensor logits_;
};

Status check_frames(const models::WhisperShape& shape) {
  if (2 * shape.audio_context == kWindowFrames) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("a Whisper that reads {} frames at a time, not {}",
                          2 * shape.audio_context, kWindowFrames));
}

}  // namespace

/// The two programs as a SpeechModel.
class WhisperOnEngine final : public SpeechModel {
 public:
  WhisperOnEngine(std::shared_ptr<const WhisperEngine> engine, const std::atomic<bool>* cancel)
      : engine_(std::move(engine)) {
    options_.cancel = cancel;
  }

  int mels() const override { return static_cast<int>(engine_->shape_.mels); }

  Result<TokenModel*> encode(std::span<const float> mel) override {
    tokens_.reset();
    engine::Batch batch;
    batch.inputs.emplace("mel", Tensor::of(mel, {engine_->shape_.mels, kWindowFrames}));
    const std::vector<Tensor> encoded = TENWATT_TRY(engine_->encoder_->run(batch, options_));
    std::unique_ptr<engine::Session> session = engine_->decoder_->open_session();
    size_t output = 1;  // output 0 is the hidden state itself
    for (int64_t layer = 0; layer < engine_->decoder_layers_; ++layer) {
      for (char part : {'k', 'v'}) {
        TENWATT_TRY(session->set_state(models::cross_name(part, layer), encoded[output++]));
      }
    }
    tokens_ = std::make_unique<TokensOnEngine>(*engine_->decoder_, std::move(session), options_);
    return tokens_.get();
  }

 private:
  std::shared_ptr<const WhisperEngine> engine_;
  engine::RunOptions options_;
  std::unique_ptr<TokenModel> tokens_;
};

Result<std::shared_ptr<const WhisperEngine>> WhisperEngine::load(const std::string& path,
                                                                 WhisperPlacement placement) {
  const auto source = TENWATT_TRY(models::open_whisper_source(path));
  auto built = models::build_whisper(*source, placement.encoder.plan.precision);
  if (!built) return fail_in(path, std::move(built).error());
  models::WhisperGraphs graphs = *std::move(built);
  TENWATT_TRY(check_frames(graphs.shape));
  std::shared_ptr<WhisperEngine> engine(new WhisperEngine());
  engine->shape_ = graphs.shape;
  engine->decoder_layers_ = graphs.decoder_layers;
  engine->vocabulary_ = TENWATT_TRY(WhisperVocabulary::of(TENWATT_TRY(source->vocabulary())));
  if (engine->vocabulary_.tokens.vocabulary_size != graphs.shape.vocabulary) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: {} tokens in the vocabulary and {} in the weights", path,
                            engine->vocabulary_.tokens.vocabulary_size, graphs.shape.vocabulary));
  }
  engine->encoder_ = TENWATT_TRY(
      engine::Program::prepare(std::move(graphs.encoder), std::move(placement.encoder)));
  engine->decoder_ = TENWATT_TRY(
      engine::Program::prepare(std::move(graphs.decoder), std::move(placement.decoder)));
  return engine;
}

Transcriber WhisperEngine::open(const std::atomic<bool>* cancel) const {
  return {std::make_unique<WhisperOnEngine>(shared_from_this(), cancel), vocabulary_};
}

}  // namespace tenwatt::hearing
