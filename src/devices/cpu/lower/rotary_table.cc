#include "devices/cpu/lower/rotary_table.h"

#include <cmath>
#include <map>
#include <mutex>

namespace tenwatt::cpu {

void RotaryTable::compute(int64_t position, float* out) const {
  const size_t half = frequencies_.size();
  for (size_t i = 0; i < half; ++i) {
    const double angle = static_cast<double>(position) * frequencies_[i];
    out[i] = static_cast<float>(std::cos(angle));
    out[half + i] = static_cast<float>(std::sin(angle));
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
  table->rows_.resize(static_cast<size_t>(kPositions * rotary_dim / 2 * 2));
  for (int64_t position = 0; position < kPositions; ++position) {
    table->compute(position,
                   table->rows_.data() + static_cast<size_t>(position) * 2 * frequencies.size());
  }
  kept = table;
  return table;
}

}  // namespace tenwatt::cpu
