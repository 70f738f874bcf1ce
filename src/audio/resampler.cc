#include "audio/resampler.h"

#include <fmt/format.h>
#include <soxr.h>

namespace tenwatt::audio {

void Resampler::Free::operator()(void* handle) const { soxr_delete(static_cast<soxr_t>(handle)); }

Resampler::Resampler(std::unique_ptr<void, Free> handle, double ratio)
    : handle_(std::move(handle)), ratio_(ratio) {}

Result<Resampler> Resampler::create(int from_rate, int to_rate) {
  if (from_rate <= 0 || to_rate <= 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("can't resample from {} to {} samples per second", from_rate, to_rate));
  }
  if (from_rate == to_rate) return Resampler(nullptr, 1);
  soxr_error_t error = nullptr;
  const soxr_io_spec_t types = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  soxr_t handle = soxr_create(from_rate, to_rate, 1, &error, &types, &quality, &runtime);
  if (handle == nullptr) {
    return fail(ErrorCode::kInternal, fmt::format("can't resample from {} to {}: {}", from_rate,
                                                  to_rate, soxr_strerror(error)));
  }
  return Resampler(std::unique_ptr<void, Free>(handle), static_cast<double>(to_rate) / from_rate);
}

Status Resampler::push(std::span<const float> input, std::vector<float>& output) {
  if (!handle_) {
    output.insert(output.end(), input.begin(), input.end());
    return {};
  }
  while (!input.empty()) {
    const size_t old_size = output.size();
    const size_t room = static_cast<size_t>(static_cast<double>(input.size()) * ratio_) + 256;
    output.resize(old_size + room);
    size_t used = 0;
    size_t made = 0;
    const soxr_error_t error =
        soxr_process(static_cast<soxr_t>(handle_.get()), input.data(), input.size(), &used,
                     output.data() + old_size, room, &made);
    output.resize(old_size + made);
    if (error) return fail(ErrorCode::kInternal, fmt::format("resampling: {}", error));
    if (used == 0 && made == 0) return fail(ErrorCode::kInternal, "resampling makes no progress");
    input = input.subspan(used);
  }
  return {};
}

Status Resampler::finish(std::vector<float>& output) {
  if (!handle_) return {};
  constexpr size_t kRoom = 4096;
  for (;;) {
    const size_t old_size = output.size();
    output.resize(old_size + kRoom);
    size_t made = 0;
    const soxr_error_t error = soxr_process(static_cast<soxr_t>(handle_.get()), nullptr, 0, nullptr,
                                            output.data() + old_size, kRoom, &made);
    output.resize(old_size + made);
    if (error) return fail(ErrorCode::kInternal, fmt::format("resampling: {}", error));
    if (made == 0) return {};
  }
}

Result<std::vector<float>> resample(std::span<const float> input, int from_rate, int to_rate) {
  Resampler resampler = TENWATT_TRY(Resampler::create(from_rate, to_rate));
  std::vector<float> output;
  TENWATT_TRY(resampler.push(input, output));
  TENWATT_TRY(resampler.finish(output));
  return output;
}

}  // namespace tenwatt::audio
