#include "devices/cpu/lower/rotary_table.h"

#include <cmath>
#include <complex>
#include <map>
#include <mutex>

namespace tenwatt::cpu {

namespace {

/// cos and sin of `count` multiples of `step` times each frequency.
std::vector<std::complex<double>> turns(std::span<const double> frequencies, int64_t step,
                                        int64_t count) {
  std::vector<std::complex<double>> list;
  list.reserve(frequencies.size() * static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    for (double frequency : frequencies) {
      list.push_back(std::polar(1.0, static_cast<double>(i * step) * frequency));
    }
  }
  return list;
}

}  // namespace

void RotaryTable::compute(int64_t position, float* out) const {
  const size_t half = frequencies_.size();
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(position) * frequencies_[i];
    out[i] = static_cast<float>(std::cos(angle));
    out[half + i] = static_cast<float>(std::sin(angle));
  }
}

void RotaryTable::fill() {
  const size_t half = frequencies_.size();
  rows_.resize(static_cast<size_t>(kPositions) * 2 * half);
  const auto large = turns(frequencies_, kStride, kPositions / kStride);
  const auto small = turns(frequencies_, 1, kStride);
  for (size_t position = 0; position < static_cast<size_t>(kPositions); ++position) {
    const auto* a = large.data() + position / kStride * half;
    const auto* b = small.data() + position % kStride * half;
    float* out = rows_.data() + position * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const double ac = a[i].real(), as = a[i].imag(), bc = b[i].real(), bs = b[i].imag();
      out[i] = static_cast<float>(ac * bc - as * bs);
      out[half + i] = static_cast<float>(as * bc + ac * bs);
    }
  }
}

const float* RotaryTable::row(int64_t position, float* scratch) const {
  const size_t width = 2 * frequencies_.size();
  if (position >= 0 && position < kPositions) {
    return rows_.data() + static_cast<size_t>(position) * width;
  }
  compute(position, scratch);
  return scratch;
}

std::shared_ptr<const RotaryTable> RotaryTable::get(float base, float scale, int64_t rotary_dim,
                                                    std::span<const float> factors) {
  static std::mutex mutex;
  static std::map<std::vector<double>, std::weak_ptr<const RotaryTable>> tables;
  std::vector<double> frequencies(static_cast<size_t>(rotary_dim / 2));
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim);
    frequencies[i] = static_cast<double>(scale) * std::pow(static_cast<double>(base), exponent);
    if (!factors.empty()) frequencies[i] /= static_cast<double>(factors[i]);
  }
  std::lock_guard lock(mutex);
  auto& kept = tables[frequencies];
  if (auto table = kept.lock()) return table;
  auto table = std::make_shared<RotaryTable>();
  table->frequencies_ = frequencies;
  table->fill();
  kept = table;
  return table;
}

}  // namespace tenwatt::cpu
