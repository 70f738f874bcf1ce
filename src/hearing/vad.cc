#include "hearing/vad.h"

#include <algorithm>
#include <utility>

#include "models/silero.h"

namespace tenwatt::hearing {

static_assert(kVadHop == models::kSileroHop);

Result<std::shared_ptr<const VadEngine>> VadEngine::load(const std::string& path,
                                                         engine::ProgramOptions options) {
  graph::Graph graph = TENWATT_TRY(models::build_silero(path));
  std::shared_ptr<VadEngine> engine(new VadEngine());
  engine->program_ = TENWATT_TRY(engine::Program::prepare(std::move(graph), std::move(options)));
  return engine;
}

VadStream::VadStream(std::shared_ptr<const VadEngine> engine)
    : engine_(std::move(engine)), session_(engine_->program().open_session()) {}

Status VadStream::run(std::span<const float> samples, std::vector<float>& probabilities) {
  const auto count = static_cast<int64_t>(samples.size());
  engine::Batch batch;
  batch.slices.push_back({session_.get(), count / kVadHop, {}});
  batch.inputs.emplace("samples", Tensor::of(samples, {count}));
  const std::vector<Tensor> outputs = TENWATT_TRY(engine_->program().run(batch));
  const std::span<const float> found = outputs.front().values<float>();
  probabilities.insert(probabilities.end(), found.begin(), found.end());
  return {};
}

Result<std::vector<float>> VadStream::push(std::span<const float> samples) {
  std::vector<float> all = waiting_;
  all.insert(all.end(), samples.begin(), samples.end());
  const size_t whole = all.size() / kVadHop * kVadHop;
  constexpr size_t kMost = models::kSileroMostWindows * kVadHop;
  std::vector<float> probabilities;
  for (size_t at = 0; at < whole; at += kMost) {
    TENWATT_TRY(run(std::span(all).subspan(at, std::min(kMost, whole - at)), probabilities));
  }
  waiting_.assign(all.begin() + static_cast<int64_t>(whole), all.end());
  return probabilities;
}

Result<std::vector<float>> VadStream::finish() {
  std::vector<float> probabilities;
  if (!waiting_.empty()) {
    waiting_.resize(kVadHop, 0.0F);
    TENWATT_TRY(run(waiting_, probabilities));
  }
  waiting_.clear();
  session_ = engine_->program().open_session();
  return probabilities;
}

Result<std::vector<float>> speech_probabilities(const std::shared_ptr<const VadEngine>& engine,
                                                std::span<const float> speech) {
  VadStream stream(engine);
  std::vector<float> probabilities = TENWATT_TRY(stream.push(speech));
  const std::vector<float> rest = TENWATT_TRY(stream.finish());
  probabilities.insert(probabilities.end(), rest.begin(), rest.end());
  return probabilities;
}

Result<std::vector<SpeechGate::Stretch>> find_speech(const std::shared_ptr<const VadEngine>& engine,
                                                     std::span<const float> speech,
                                                     const VadOptions& options) {
  const std::vector<float> probabilities = TENWATT_TRY(speech_probabilities(engine, speech));
  return speech_stretches(probabilities, static_cast<int64_t>(speech.size()), options);
}

}  // namespace tenwatt::hearing
