// What the writer makes, read back by libsndfile and by eye.
#include "audio/wav_writer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "unit/audio/sound_files.h"

namespace tenwatt::audio {
namespace {

struct ReadBack {
  SF_INFO info = {};
  std::vector<float> samples;
};

ReadBack read_back(const std::string& path) {
  ReadBack back;
  SNDFILE* file = sf_open(path.c_str(), SFM_READ, &back.info);
  if (file == nullptr) return back;
  back.samples.resize(static_cast<size_t>(back.info.frames * back.info.channels));
  sf_readf_float(file, back.samples.data(), back.info.frames);
  sf_close(file);
  return back;
}

uint32_t u32_at(const std::vector<std::byte>& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(bytes[at + i]) << (8 * i);
  return value;
}

TEST(WavWriter, FloatKeepsEveryBit) {
  const ScratchFolder scratch;
  const std::vector<float> tone = sine(440, 22050, 1000, 2);
  WavWriter writer =
      WavWriter::create(scratch.file("f.wav"), {22050, 2, SampleEncoding::kF32, Container::kWav})
          .value();
  ASSERT_TRUE(writer.write(std::span(tone).first(600)));
  ASSERT_TRUE(writer.write(std::span(tone).subspan(600)));
  ASSERT_TRUE(writer.close());
  const ReadBack back = read_back(scratch.file("f.wav"));
  EXPECT_EQ(back.info.samplerate, 22050);
  EXPECT_EQ(back.info.channels, 2);
  EXPECT_EQ(back.info.format, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(back.samples, tone);
}

TEST(WavWriter, SixteenBitsClipAndRoundToNearest) {
  const ScratchFolder scratch;
  WavWriter writer = WavWriter::create(scratch.file("s.wav"), {}).value();
  const std::vector<float> samples = {0, 1, -1, 2, -2, 0.5F / 32767, 1.5F / 32767, std::nanf("")};
  ASSERT_TRUE(writer.write(samples));
  ASSERT_TRUE(writer.close());
  const std::vector<std::byte> bytes = bytes_of(scratch.file("s.wav"));
  ASSERT_EQ(bytes.size(), 44 + 2 * samples.size());
  EXPECT_EQ(u32_at(bytes, 4), bytes.size() - 8);
  EXPECT_EQ(u32_at(bytes, 40), 2 * samples.size());
  const int16_t expected[] = {0, 32767, -32767, 32767, -32767, 0, 2, 0};
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto code = static_cast<int16_t>(static_cast<uint16_t>(bytes[44 + 2 * i]) |
                                           static_cast<uint16_t>(bytes[45 + 2 * i]) << 8);
    EXPECT_EQ(code, expected[i]) << i;
  }
}

TEST(WavWriter, RawIsSamplesAndNothingElse) {
  const ScratchFolder scratch;
  for (SampleEncoding encoding : {SampleEncoding::kS16, SampleEncoding::kF32}) {
    WavWriter writer =
        WavWriter::create(scratch.file("raw"), {16000, 1, encoding, Container::kRaw}).value();
    ASSERT_TRUE(writer.write(sine(440, 16000, 100)));
    ASSERT_TRUE(writer.close());
    EXPECT_EQ(bytes_of(scratch.file("raw")).size(), encoding == SampleEncoding::kS16 ? 200U : 400U);
  }
}

TEST(WavWriter, APipeKeepsUnknownSizes) {
  const ScratchFolder scratch;
  const std::string fifo = scratch.file("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::vector<std::byte> received;
  std::thread reader([&] { received = bytes_of(fifo); });
  WavWriter writer = WavWriter::create(fifo, {}).value();
  EXPECT_TRUE(writer.write(sine(440, 16000, 100)));
  EXPECT_TRUE(writer.close());
  reader.join();
  ASSERT_EQ(received.size(), 244U);
  EXPECT_EQ(u32_at(received, 4), 0xFFFFFFFFU);
  EXPECT_EQ(u32_at(received, 40), 0xFFFFFFFFU);
}

TEST(WavWriter, FullDiskIsAnError) {
  auto writer = WavWriter::create("/dev/full", {});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace tenwatt::audio
