// Reads sound files (WAV, FLAC, Ogg ...) as interleaved f32 through libsndfile.
//
// Integer formats are scaled to [-1, 1). A file whose data ends early gives the samples it has:
// recorders are killed and downloads break, and what was recorded is still speech.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt::audio {

/// What a reader refuses, so that a hostile or mistaken file can't exhaust the machine.
struct ReadLimits {
  double seconds = 4 * 3600.0;              ///< of sound
  int64_t stream_bytes = int64_t{1} << 30;  ///< of a pipe or upload that is kept in memory
  int channels = 64;
};

class AudioReader {
 public:
  /// Opens a file, or standard input where `path` is "-". Errors: kNotFound, kIo, kUnsupported (not
  /// a format this build reads), kCorrupt, kOutOfRange (a limit).
  static Result<AudioReader> open(const std::string& path, const ReadLimits& limits = {});
  /// Reads a whole file held in memory, e.g. an upload; `name` is for messages.
  static Result<AudioReader> open_memory(std::vector<std::byte> bytes, std::string name,
                                         const ReadLimits& limits = {});
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;
  ~AudioReader();

  int rate() const;      ///< frames per second
  int channels() const;  ///< interleaved samples per frame
  /// Reads up to `samples.size() / channels()` frames and returns their number; 0 is the end. An
  /// error once the duration limit is passed, whatever the header promised.
  Result<int64_t> read(std::span<float> samples);

 private:
  struct Impl;
  explicit AudioReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt::audio
