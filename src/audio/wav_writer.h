// Writes sound as it is made: WAV or headerless samples, to a file or to standard output.
//
// The header first says "length unknown" (0xFFFFFFFF), which is what a pipe keeps; a file's sizes
// are filled in at close.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt::audio {

enum class SampleEncoding : uint8_t {
  kS16,  ///< 16-bit, clipped to [-1, 1], times 32767, to nearest even
  kF32,  ///< as it is
};

enum class Container : uint8_t {
  kWav,
  kRaw,  ///< interleaved little-endian samples and nothing else
};

struct WavFormat {
  int rate = 16000;
  int channels = 1;
  SampleEncoding encoding = SampleEncoding::kS16;
  Container container = Container::kWav;
};

class WavWriter {
 public:
  /// Creates the file (replacing an old one), or takes standard output where `path` is "-".
  static Result<WavWriter> create(const std::string& path, const WavFormat& format);
  WavWriter(WavWriter&& other) noexcept;
  WavWriter& operator=(WavWriter&& other) noexcept;
  /// Closes without reporting; call close() to learn about a full disk.
  ~WavWriter();

  /// Appends interleaved samples and hands them to the operating system before it returns.
  Status write(std::span<const float> samples);
  /// Fills in the sizes where the output can seek, and closes. Further calls do nothing.
  Status close();

 private:
  WavWriter(std::string path, int descriptor, const WavFormat& format);
  Status put(std::span<const std::byte> bytes);

  std::string path_;
  int descriptor_ = -1;
  WavFormat format_;
  uint64_t data_bytes_ = 0;
  std::vector<std::byte> encoded_;
};

}  // namespace tenwatt::audio
