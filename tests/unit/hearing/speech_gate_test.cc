// Stretches of speech against faster-whisper's over made-up probabilities (record_vad.py).
#include "hearing/speech_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <fstream>
#include <nlohmann/json.hpp>

namespace tenwatt::hearing {
namespace {

/// The random walk of record_vad.py.
std::vector<float> made_up(uint32_t seed) {
  std::vector<float> values;
  uint32_t state = seed;
  double level = 0.5;
  for (int i = 0; i < 600; ++i) {
    state = 1664525U * state + 1013904223U;
    level = std::clamp(level + (state / 2147483648.0 - 1) * 0.25, 0.0, 1.0);
    values.push_back(static_cast<float>(level));
  }
  return values;
}

TEST(SpeechGate, StretchesOfEverySettingEqualFasterWhispers) {
  std::ifstream file(TENWATT_SOURCE_DIR "/tests/reference/data/vad.json");
  const nlohmann::json reference = nlohmann::json::parse(file);
  ASSERT_EQ(reference["stretches"].size(), 12U);
  for (const nlohmann::json& item : reference["stretches"]) {
    const VadOptions options = {item["threshold"], item["neg_threshold"],
                                item["min_speech_duration_ms"], item["min_silence_duration_ms"],
                                item["speech_pad_ms"]};
    const auto found = speech_stretches(made_up(item["seed"]), item["samples"], options);
    ASSERT_EQ(found.size(), item["stretches"].size()) << item;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].first, item["stretches"][i][0].get<int64_t>()) << item;
      EXPECT_EQ(found[i].end, item["stretches"][i][1].get<int64_t>()) << item;
    }
  }
}

TEST(SpeechGate, ReportsHowLongItHasBeenSilent) {
  VadOptions options;
  options.min_silence_ms = 96;  // three hops
  SpeechGate gate(options);
  EXPECT_FALSE(gate.push(0.9F));
  EXPECT_TRUE(gate.speaking());
  EXPECT_FALSE(gate.push(0.4F));  // between the thresholds: neither speech nor silence
  EXPECT_EQ(gate.silent_samples(), 0);
  EXPECT_FALSE(gate.push(0.1F));
  EXPECT_EQ(gate.silent_samples(), kVadHop);
  EXPECT_FALSE(gate.push(0.1F));
  EXPECT_FALSE(gate.push(0.1F));
  const auto over = gate.push(0.1F);
  ASSERT_TRUE(over);
  EXPECT_EQ(*over, (SpeechGate::Stretch{0, 2 * kVadHop}));
  EXPECT_FALSE(gate.speaking());
}

}  // namespace
}  // namespace tenwatt::hearing
