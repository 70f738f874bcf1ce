// What tests/reference/record_whisper.py recorded from faster-whisper.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "material.h"

namespace tenwatt::hearing {

/// The recorded clips of a model ("tiny.en", "base"), without the header line.
inline std::vector<nlohmann::json> recorded_clips(const std::string& model) {
  std::ifstream file(TENWATT_SOURCE_DIR "/tests/reference/data/whisper_" + model + ".jsonl");
  std::vector<nlohmann::json> clips;
  std::string line;
  while (std::getline(file, line)) {
    nlohmann::json clip = nlohmann::json::parse(line);
    if (clip.contains("id")) clips.push_back(std::move(clip));
  }
  return clips;
}

/// The folder of a catalogue model, or of nothing if it has not been downloaded.
inline std::string model_path(const std::string& name) { return material::model(name).string(); }

inline std::string shared_path(const std::string& name) { return material::shared(name).string(); }

}  // namespace tenwatt::hearing

#define TENWATT_NEED_FILE(path)                        \
  if (!std::filesystem::exists(path)) {                \
    GTEST_SKIP() << path << " is not on this machine"; \
  }
