// Sound files written by libsndfile itself, so that the reader is tested on bytes we did not make.
#pragma once

#include <sndfile.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <vector>

namespace tenwatt::audio {

/// A file name in a folder of this process that goes away with the object.
class ScratchFolder {
 public:
  ScratchFolder()
      : folder_(std::filesystem::temp_directory_path() /
                ("tenwatt_audio_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~ScratchFolder() { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

/// `frames` of a sine, the same in every channel, scaled by 1 / (channel + 1).
inline std::vector<float> sine(double hertz, int rate, int64_t frames, int channels = 1) {
  std::vector<float> samples;
  for (int64_t i = 0; i < frames; ++i) {
    const double value =
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate);
    for (int c = 0; c < channels; ++c) samples.push_back(static_cast<float>(value / (c + 1)));
  }
  return samples;
}

inline void write_sound(const std::string& path, int format, int rate, int channels,
                        const std::vector<float>& samples) {
  SF_INFO info = {};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  sf_writef_float(file, samples.data(), static_cast<sf_count_t>(samples.size()) / channels);
  sf_close(file);
}

inline std::vector<std::byte> bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

inline void write_bytes(const std::string& path, const std::vector<std::byte>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace tenwatt::audio
