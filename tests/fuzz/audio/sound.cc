#include <sndfile.h>

#include <array>

#include "audio/reader.h"
#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

// 16-bit mono at 16 kHz: a header of 44 bytes and 500 samples.
std::string example_wav() {
  testing_files::ByteWriter to;
  to.raw("RIFF").number(uint32_t{36 + 1000}).raw("WAVEfmt ").number(uint32_t{16});
  to.number(uint16_t{1}).number(uint16_t{1}).number(uint32_t{16000}).number(uint32_t{32000});
  to.number(uint16_t{2}).number(uint16_t{16}).raw("data").number(uint32_t{1000});
  for (int i = 0; i < 500; ++i) to.number<int16_t>(i * 37 % 2000);
  return to.content;
}

std::string example_flac() {
  testing_files::TemporaryFolder folder;
  const std::string path = folder.path("sound.flac");
  SF_INFO info{};
  info.samplerate = 16000;
  info.channels = 2;
  info.format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  std::array<short, 1000> samples{};
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<short>(i * 37 % 2000);
  sf_writef_short(file, samples.data(), 500);
  sf_close(file);
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool accepts(std::string_view bytes) {
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  const audio::ReadLimits limits{.seconds = 60, .stream_bytes = 1 << 24, .channels = 16};
  auto reader = audio::AudioReader::open_memory({data, data + bytes.size()}, "sound", limits);
  if (!reader) return false;
  std::vector<float> samples(static_cast<size_t>(reader->channels()) * 4096);
  for (;;) {
    const auto count = reader->read(samples);
    if (!count) return false;
    if (*count == 0) return true;
  }
}

const Registered kWav{{"wav", Cuts::kMayBeValid, example_wav, accepts}};
const Registered kFlac{{"flac", Cuts::kMayBeValid, example_flac, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
