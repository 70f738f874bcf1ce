// A voice: text to sound.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/runtime.h"

namespace tenwatt {

/// How a text is spoken.
struct SayOptions {
  std::string speaker = {};         ///< name or number; empty: the voice's default
  float speed = 1;                  ///< 0.25 to 4; 2 is twice as fast
  std::optional<float> noise = {};  ///< 0 to 10, both noise scales; empty: the voice's own
  uint64_t seed = 0;                ///< of the noise; the same seed gives the same sound
  bool whole = false;  ///< each sentence in one run instead of windows; the sound is the same
  const CancelFlag* cancel = nullptr;  ///< ends the call with kCancelled
};

/// What speaking took.
struct SayStats {
  double audio_seconds = 0;
  double wall_seconds = 0;
  double first_audio_seconds = 0;  ///< from the beginning to the first sample
  int64_t sentences = 0;
  std::vector<std::string> notices;  ///< phonemes that the voice lacks
};

/// Samples in [-1, 1], mono, first to last. An error stops the speech and is what the call returns.
using OnSamples = std::function<Status(std::span<const float> samples)>;

/// A Piper voice, ready to speak. Shared and thread-safe; each call is on its own. Text becomes
/// phonemes in a helper program, tenwatt-phonemize, that the runtime keeps running; it is found
/// beside the program or the library, or where TENWATT_PHONEMIZE says (kNotFound otherwise).
class Voice {
 public:
  /// Catalogue name or path of a Piper voice (NAME.onnx, with NAME.onnx.json beside it).
  /// kModelMissing, kCorrupt, kUnsupported, or kInvalidArgument for the name of
  /// something else.
  static Result<std::shared_ptr<Voice>> open(std::shared_ptr<Runtime> runtime,
                                             const std::string& name_or_path);
  ~Voice();

  /// Samples per second.
  int64_t sample_rate() const;
  /// Speaks text (UTF-8); markdown, emoji and code are left out. kInvalidArgument for options that
  /// are out of range or a speaker that the voice doesn't have.
  Result<SayStats> say(std::string_view text, const SayOptions& options,
                       const OnSamples& on_samples) const;
  /// Speaks phoneme ids of the voice's own table, as one sentence.
  Result<SayStats> say_ids(std::span<const int64_t> ids, const SayOptions& options,
                           const OnSamples& on_samples) const;
  /// text-encoder, flow and vocoder.
  std::vector<Placement> placement() const;
  /// What open() took.
  double load_seconds() const;

  struct Impl;         ///< the library's own
  Impl& impl() const;  ///< the library's own

 private:
  explicit Voice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One utterance whose text arrives in pieces, as a model writes it: every clause is spoken as soon
/// as it is complete. Not thread-safe.
class Speech {
 public:
  /// kInvalidArgument as Voice::say. `on_samples` is called from push() and finish().
  static Result<std::unique_ptr<Speech>> open(std::shared_ptr<Voice> voice,
                                              const SayOptions& options, OnSamples on_samples);
  ~Speech();

  /// Takes more text and speaks what it completes. After an error the utterance is over.
  Status push(std::string_view text);
  /// Speaks the rest. Once, at the end.
  Result<SayStats> finish();
  /// What the voice was given so far, after numbers and abbreviations were spelt out.
  const std::string& spoken() const;

 private:
  struct Impl;
  explicit Speech(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes sound to a file ("-": standard output) as it comes. Not thread-safe.
class SoundWriter {
 public:
  /// `format`: "wav" (16 bit), "f32" or "s16" (raw, little-endian). kIo, or kInvalidArgument for
  /// another format.
  static Result<std::unique_ptr<SoundWriter>> open(const std::string& path,
                                                   const std::string& format, int64_t rate);
  virtual ~SoundWriter() = default;
  /// Samples in [-1, 1]; those outside are clipped in 16-bit formats.
  virtual Status write(std::span<const float> samples) = 0;
  /// Completes the file; without it the file may lack its length.
  virtual Status close() = 0;
};

}  // namespace tenwatt
