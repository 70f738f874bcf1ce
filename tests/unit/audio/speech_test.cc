// From sound files to 16 kHz mono: formats, rates, channels, damage and limits.
#include "audio/speech.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "audio/resampler.h"
#include "unit/audio/sound_files.h"

namespace tenwatt::audio {
namespace {

double largest_difference(const std::vector<float>& a, const std::vector<float>& b, size_t margin) {
  double worst = 0;
  for (size_t i = margin; i + margin < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, static_cast<double>(std::abs(a[i] - b[i])));
  }
  return worst;
}

struct FormatCase {
  const char* name;
  int format;
  double tolerance;
};

TEST(LoadSpeech, EveryIntegerAndFloatFormatOfWavAndFlac) {
  const ScratchFolder scratch;
  const std::vector<float> tone = sine(440, 16000, 4000);
  const FormatCase cases[] = {
      {"u8.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 1.0 / 127},
      {"s16.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 1.0 / 32767},
      {"s24.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 1e-6},
      {"s32.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 1e-6},
      {"f32.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0},
      {"f64.wav", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 0},
      {"ulaw.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 0.02},
      {"extensible.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 1.0 / 32767},
      {"s16.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 1.0 / 32767},
      {"s24.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 1e-6},
  };
  for (const FormatCase& item : cases) {
    write_sound(scratch.file(item.name), item.format, 16000, 1, tone);
    const auto speech = load_speech(scratch.file(item.name));
    ASSERT_TRUE(speech) << item.name << ": " << speech.error().message;
    ASSERT_EQ(speech->size(), tone.size()) << item.name;
    EXPECT_LE(largest_difference(*speech, tone, 0), item.tolerance) << item.name;
    const auto from_memory = load_speech_memory(bytes_of(scratch.file(item.name)), item.name);
    ASSERT_TRUE(from_memory) << item.name << ": " << from_memory.error().message;
    EXPECT_EQ(*from_memory, *speech) << item.name;
  }
}

TEST(LoadSpeech, AnyRateKeepsTimeAndLevel) {
  const ScratchFolder scratch;
  for (int rate : {8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000}) {
    write_sound(scratch.file("rate.wav"), SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate, 1,
                sine(1000, rate, rate));
    const std::vector<float> speech = load_speech(scratch.file("rate.wav")).value();
    EXPECT_NEAR(static_cast<double>(speech.size()), 16000.0, 2.0) << rate;
    EXPECT_LT(largest_difference(speech, sine(1000, 16000, 16000), 400), 1e-4) << rate;
  }
}

TEST(LoadSpeech, ChannelsAreAveraged) {
  const ScratchFolder scratch;
  write_sound(scratch.file("three.wav"), SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 3,
              sine(300, 16000, 2000, 3));
  const std::vector<float> speech = load_speech(scratch.file("three.wav")).value();
  std::vector<float> expected = sine(300, 16000, 2000);
  for (float& x : expected) x *= (1 + 1 / 2.0F + 1 / 3.0F) / 3;
  ASSERT_EQ(speech.size(), expected.size());
  EXPECT_LT(largest_difference(speech, expected, 0), 1e-6);
}

TEST(LoadSpeech, ToneAboveTheNewBandIsGone) {
  const std::vector<float> high = resample(sine(10000, 48000, 48000), 48000, 16000).value();
  float loudest = 0;
  for (size_t i = 400; i + 400 < high.size(); ++i) loudest = std::max(loudest, std::abs(high[i]));
  EXPECT_LT(loudest, 1e-5);
}

TEST(LoadSpeech, PiecesEqualTheWhole) {
  const std::vector<float> tone = sine(777, 44100, 30000);
  const std::vector<float> whole = resample(tone, 44100, 16000).value();
  Resampler resampler = Resampler::create(44100, 16000).value();
  std::vector<float> pieces;
  for (size_t at = 0; at < tone.size(); at += 997) {
    const size_t count = std::min<size_t>(997, tone.size() - at);
    ASSERT_TRUE(resampler.push(std::span(tone).subspan(at, count), pieces));
  }
  ASSERT_TRUE(resampler.finish(pieces));
  ASSERT_EQ(pieces.size(), whole.size());
  EXPECT_LT(largest_difference(pieces, whole, 0), 1e-6);
}

TEST(LoadSpeech, TruncatedDataGivesWhatIsThere) {
  const ScratchFolder scratch;
  const std::vector<float> tone = sine(440, 16000, 4000);
  write_sound(scratch.file("whole.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1, tone);
  std::vector<std::byte> bytes = bytes_of(scratch.file("whole.wav"));
  bytes.resize(bytes.size() - 2001);  // an odd byte too many
  write_bytes(scratch.file("cut.wav"), bytes);
  const std::vector<float> speech = load_speech(scratch.file("cut.wav")).value();
  EXPECT_EQ(speech.size(), 2999U);
  EXPECT_LE(largest_difference(speech, tone, 0), 1.0 / 32767);
}

TEST(LoadSpeech, UnknownLengthOfAPipeIsReadToTheEnd) {
  const ScratchFolder scratch;
  write_sound(scratch.file("whole.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 1,
              sine(440, 16000, 4000));
  std::vector<std::byte> bytes = bytes_of(scratch.file("whole.wav"));
  std::fill_n(bytes.begin() + 4, 4, std::byte{0xFF});
  std::fill_n(bytes.begin() + 40, 4, std::byte{0xFF});
  const auto speech = load_speech_memory(bytes, "pipe");
  ASSERT_TRUE(speech) << speech.error().message;
  EXPECT_EQ(speech->size(), 4000U);
}

TEST(LoadSpeech, EveryPrefixOfAFileIsReadOrRefusedWithAMessage) {
  const ScratchFolder scratch;
  for (const char* name : {"p.wav", "p.flac"}) {
    const bool flac = std::string(name) == "p.flac";
    write_sound(scratch.file(name), (flac ? SF_FORMAT_FLAC : SF_FORMAT_WAV) | SF_FORMAT_PCM_16,
                8000, 2, sine(440, 8000, 300, 2));
    const std::vector<std::byte> bytes = bytes_of(scratch.file(name));
    for (size_t size = 0; size < bytes.size(); size += 7) {
      const auto speech =
          load_speech_memory({bytes.begin(), bytes.begin() + static_cast<int64_t>(size)}, name);
      EXPECT_TRUE(speech || !speech.error().message.empty()) << name << ", " << size << " bytes";
    }
  }
}

TEST(LoadSpeech, LimitsAndMistakesHaveTheirOwnErrors) {
  const ScratchFolder scratch;
  write_sound(scratch.file("long.wav"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 16000, 2,
              sine(440, 16000, 32000, 2));
  ReadLimits limits;
  limits.seconds = 1.5;
  EXPECT_EQ(load_speech(scratch.file("long.wav"), limits).error().code, ErrorCode::kOutOfRange);
  limits = {};
  limits.channels = 1;
  EXPECT_EQ(load_speech(scratch.file("long.wav"), limits).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(load_speech(scratch.file("absent.wav")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(load_speech(scratch.file("")).error().code, ErrorCode::kInvalidArgument);
  write_bytes(scratch.file("text.wav"), std::vector<std::byte>(1000, std::byte{'a'}));
  EXPECT_EQ(load_speech(scratch.file("text.wav")).error().code, ErrorCode::kUnsupported);
}

TEST(LoadSpeech, NotANumberIsRefused) {
  const ScratchFolder scratch;
  std::vector<float> tone = sine(440, 16000, 100);
  tone[50] = std::nanf("");
  write_sound(scratch.file("nan.wav"), SF_FORMAT_WAV | SF_FORMAT_FLOAT, 16000, 1, tone);
  EXPECT_EQ(load_speech(scratch.file("nan.wav")).error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace tenwatt::audio
