#include "speaking/synthesizer.h"

#include <cstring>

#include "base/random.h"

namespace tenwatt::speaking {

namespace {

// A sentence of 300 characters has about 600 ids; this bounds the work of one call.
constexpr size_t kMaxIds = 8192;

/// Standard normal noise of its own stream, so that the parts of a voice don't share numbers.
Result<Tensor> noise(Shape shape, uint64_t seed, uint64_t stream) {
  Tensor tensor = TENWATT_TRY(Tensor::create(Format::kF32, std::move(shape)));
  Random random(seed * 2 + stream);
  for (float& value : tensor.mutable_values<float>()) value = static_cast<float>(random.normal());
  return tensor;
}

engine::ProgramOptions program_options(const SynthesizerOptions& options,
                                       const engine::PlanOptions& plan) {
  return {.plan = plan,
          .team = options.team,
          .source = options.source,
          .artifact_folder = options.artifact_folder};
}

// The first sound leaves after about 0.4 s of it are made, which covers the time of the next,
// larger windows; the flow's halos are long, so its windows grow faster.
constexpr engine::GrowingWindows kFlowWindows = {.first_kept = 48, .growth = 3, .largest = 1024};
constexpr engine::GrowingWindows kVocoderWindows = {.first_kept = 36, .growth = 2, .largest = 192};

engine::WindowedOptions window_options(const SynthesizerOptions& options,
                                       const engine::PlanOptions& plan,
                                       const engine::GrowingWindows& growing) {
  engine::PlanOptions fallback = plan;
  fallback.devices = {plan.devices.back()};  // the CPU, which takes every length
  return {.symbol = std::string(models::kFrames),
          .size = options.window,
          .buckets = options.buckets,
          .growing = growing,
          .fallback = std::move(fallback)};
}

}  // namespace

Result<std::unique_ptr<Synthesizer>> Synthesizer::open(const std::string& onnx_path,
                                                       SynthesizerOptions options) {
  models::PiperModel model = TENWATT_TRY(models::read_piper(onnx_path, options.vocoder.precision));
  std::unique_ptr<Synthesizer> synthesizer(new Synthesizer);
  synthesizer->voice_ = std::move(model.voice);
  synthesizer->duration_noise_ = model.duration_noise;
  synthesizer->latent_noise_ = model.latent_noise;
  synthesizer->latent_ = model.latent;
  synthesizer->latent_channels_ = model.latent_channels;
  synthesizer->encoder_ = TENWATT_TRY(engine::Program::prepare(
      std::move(model.encoder), program_options(options, options.text_encoder)));
  synthesizer->flow_ = TENWATT_TRY(engine::WindowedProgram::prepare(
      std::move(model.flow), program_options(options, options.flow),
      window_options(options, options.flow, kFlowWindows)));
  synthesizer->vocoder_ = TENWATT_TRY(engine::WindowedProgram::prepare(
      std::move(model.vocoder), program_options(options, options.vocoder),
      window_options(options, options.vocoder, kVocoderWindows)));
  return synthesizer;
}

Status Synthesizer::speak(std::span<const int64_t> ids, const SpeechOptions& options,
                          const Sink& sink, Delivery delivery) const {
  if (ids.empty()) return {};
  if (ids.size() > kMaxIds) {
    return fail(ErrorCode::kOutOfRange,
                "a sentence of " + std::to_string(ids.size()) + " phoneme ids is too long",
                "split it: at most " + std::to_string(kMaxIds) + " are spoken at once");
  }
  Inputs encoded = TENWATT_TRY(encode(ids, options));
  int64_t frames = 0;
  for (const engine::WindowAxis& axis : flow_->window().inputs) {
    const auto& name = flow_->program().graph().value(axis.value).name;
    const auto found = encoded.find(name);
    if (found != encoded.end()) frames = found->second.shape()[static_cast<size_t>(axis.axis)];
  }
  if (frames <= 0) return {};
  encoded.insert_or_assign(latent_noise_,
                           TENWATT_TRY(noise({1, latent_channels_, frames}, options.seed, 1)));
  if (delivery == Delivery::kWhole) return run_whole(encoded, options, sink);
  return run_windows(encoded, frames, options, sink);
}

Result<Synthesizer::Inputs> Synthesizer::encode(std::span<const int64_t> ids,
                                                const SpeechOptions& options) const {
  for (int64_t id : ids) {
    if (id < 0 || id >= voice_.num_symbols) {
      return fail(ErrorCode::kInvalidArgument, "phoneme id " + std::to_string(id) +
                                                   " is outside the voice's 0.." +
                                                   std::to_string(voice_.num_symbols - 1));
    }
  }
  if (options.speaker < 0 || options.speaker >= voice_.num_speakers) {
    return fail(ErrorCode::kInvalidArgument, "speaker " + std::to_string(options.speaker) +
                                                 " is outside the voice's 0.." +
                                                 std::to_string(voice_.num_speakers - 1));
  }
  const auto count = static_cast<int64_t>(ids.size());
  engine::Batch batch;
  batch.inputs.emplace("input", Tensor::of(ids, {1, count}));
  batch.inputs.emplace("input_lengths", Tensor::of<int64_t>({count}, {1}));
  batch.inputs.emplace("scales",
                       Tensor::of<float>({options.noise_scale.value_or(voice_.noise_scale),
                                          options.length_scale.value_or(voice_.length_scale),
                                          options.noise_w.value_or(voice_.noise_w)},
                                         {3}));
  batch.inputs.emplace("sid", Tensor::of<int64_t>({options.speaker}, {1}));
  if (!duration_noise_.empty()) {
    batch.inputs.emplace(duration_noise_, TENWATT_TRY(noise({1, 2, count}, options.seed, 0)));
  }
  const graph::Graph& graph = encoder_->graph();
  const std::vector<Tensor> outputs = TENWATT_TRY(encoder_->run(batch, {.cancel = options.cancel}));
  Inputs encoded;
  for (size_t i = 0; i < outputs.size(); ++i) {
    encoded.emplace(graph.value(graph.outputs[i]).name, outputs[i]);
  }
  return encoded;
}

Status Synthesizer::run_windows(const Inputs& encoded, int64_t frames, const SpeechOptions& options,
                                const Sink& sink) const {
  const engine::RunOptions run{.cancel = options.cancel};
  const auto flow = TENWATT_TRY(flow_->schedule(frames));
  const auto vocoder = TENWATT_TRY(vocoder_->schedule(frames));
  Tensor latent = TENWATT_TRY(Tensor::create(Format::kF32, {1, latent_channels_, frames}));
  Inputs vocoder_inputs = encoded;
  vocoder_inputs.insert_or_assign(latent_, latent);
  int64_t ready = 0;  // frames of the latent
  size_t flow_step = 0;
  for (size_t step = 0; step < vocoder.steps.size(); ++step) {
    const int64_t wanted = vocoder.steps[step].begin + vocoder.steps[step].size;
    for (; ready < wanted; ++flow_step) {
      const auto pieces = TENWATT_TRY(flow_->run_step(flow, flow_step, encoded, run));
      const std::span<const float> piece = pieces[0].values<float>();
      const int64_t rows = pieces[0].shape()[2];
      for (int64_t channel = 0; channel < latent_channels_; ++channel) {
        std::memcpy(latent.mutable_values<float>().data() + channel * frames + ready,
                    piece.data() + channel * rows, sizeof(float) * static_cast<size_t>(rows));
      }
      ready += rows;
    }
    const auto samples = TENWATT_TRY(vocoder_->run_step(vocoder, step, vocoder_inputs, run));
    TENWATT_TRY(sink(samples[0].values<float>()));
  }
  return {};
}

Status Synthesizer::run_whole(const Inputs& encoded, const SpeechOptions& options,
                              const Sink& sink) const {
  const engine::RunOptions run{.cancel = options.cancel};
  Inputs vocoder_inputs = encoded;
  const auto latent = TENWATT_TRY(flow_->run_whole(encoded, run));
  vocoder_inputs.insert_or_assign(latent_, latent[0]);
  const auto samples = TENWATT_TRY(vocoder_->run_whole(vocoder_inputs, run));
  return sink(samples[0].values<float>());
}

}  // namespace tenwatt::speaking
