#include "audio/wav_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace tenwatt::audio {
namespace {

constexpr uint32_t kUnknown = 0xFFFFFFFF;
constexpr uint16_t kTagPcm = 1;
constexpr uint16_t kTagFloat = 3;

uint32_t sample_bytes(SampleEncoding encoding) { return encoding == SampleEncoding::kS16 ? 2 : 4; }

/// Little-endian bytes of a RIFF header.
class Bytes {
 public:
  void tag(const char (&text)[5]) {
    for (int i = 0; i < 4; ++i) bytes_.push_back(static_cast<std::byte>(text[i]));
  }
  void u16(uint16_t value) { number(value, 2); }
  void u32(uint32_t value) { number(value, 4); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void number(uint32_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  std::vector<std::byte> bytes_;
};

/// The header for `data` bytes of samples, or for an unknown number. Float needs the extended form
/// of `fmt ` and a `fact` chunk (Microsoft, "New Multimedia Data Types", 1994).
std::vector<std::byte> header(const WavFormat& format, uint32_t data) {
  const bool pcm = format.encoding == SampleEncoding::kS16;
  const uint32_t frame = sample_bytes(format.encoding) * static_cast<uint32_t>(format.channels);
  const uint32_t rest = pcm ? 36 : 50;  // the bytes between the RIFF size and the samples
  const bool known = data <= kUnknown - rest - 1;
  Bytes out;
  out.tag("RIFF");
  out.u32(known ? rest + data : kUnknown);
  out.tag("WAVE");
  out.tag("fmt ");
  out.u32(pcm ? 16 : 18);
  out.u16(pcm ? kTagPcm : kTagFloat);
  out.u16(static_cast<uint16_t>(format.channels));
  out.u32(static_cast<uint32_t>(format.rate));
  out.u32(static_cast<uint32_t>(format.rate) * frame);
  out.u16(static_cast<uint16_t>(frame));
  out.u16(static_cast<uint16_t>(8 * sample_bytes(format.encoding)));
  if (!pcm) {
    out.u16(0);
    out.tag("fact");
    out.u32(4);
    out.u32(known ? data / frame : kUnknown);
  }
  out.tag("data");
  out.u32(known ? data : kUnknown);
  return out.bytes();
}

void encode_s16(std::span<const float> samples, std::vector<std::byte>& to) {
  to.resize(samples.size() * 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    const float clipped = std::isnan(samples[i]) ? 0.0F : std::clamp(samples[i], -1.0F, 1.0F);
    const auto code = static_cast<int16_t>(std::nearbyint(clipped * 32767.0F));
    to[2 * i] = static_cast<std::byte>(code);
    to[2 * i + 1] = static_cast<std::byte>(static_cast<uint16_t>(code) >> 8);
  }
}

void encode_f32(std::span<const float> samples, std::vector<std::byte>& to) {
  to.resize(samples.size() * 4);
  std::memcpy(to.data(), samples.data(), to.size());
}

}  // namespace

Result<WavWriter> WavWriter::create(const std::string& path, const WavFormat& format) {
  if (format.rate <= 0 || format.channels <= 0 || format.channels > 1024) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("can't write sound of {} channels at {} samples per second",
                            format.channels, format.rate));
  }
  const int descriptor = path == "-"
                             ? ::dup(STDOUT_FILENO)
                             : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return fail(ErrorCode::kIo, fmt::format("{}: {}", path, strerror(errno)));
  WavWriter writer(path, descriptor, format);
  if (format.container == Container::kWav) TENWATT_TRY(writer.put(header(format, kUnknown)));
  return writer;
}

WavWriter::WavWriter(std::string path, int descriptor, const WavFormat& format)
    : path_(std::move(path)), descriptor_(descriptor), format_(format) {}

WavWriter::WavWriter(WavWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      format_(other.format_),
      data_bytes_(other.data_bytes_) {}

WavWriter& WavWriter::operator=(WavWriter&& other) noexcept {
  if (this == &other) return *this;
  (void)close();
  path_ = std::move(other.path_);
  descriptor_ = std::exchange(other.descriptor_, -1);
  format_ = other.format_;
  data_bytes_ = other.data_bytes_;
  return *this;
}

WavWriter::~WavWriter() { (void)close(); }

Status WavWriter::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor_, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(ErrorCode::kIo, fmt::format("{}: {}", path_, strerror(errno)));
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return {};
}

Status WavWriter::write(std::span<const float> samples) {
  if (descriptor_ < 0) return fail(ErrorCode::kInvalidArgument, path_ + ": is closed");
  if (format_.encoding == SampleEncoding::kS16) {
    encode_s16(samples, encoded_);
  } else {
    encode_f32(samples, encoded_);
  }
  TENWATT_TRY(put(encoded_));
  data_bytes_ += encoded_.size();
  return {};
}

Status WavWriter::close() {
  if (descriptor_ < 0) return {};
  Status status;
  // Standard output is never rewound: redirected with >>, its start is somebody else's data.
  if (format_.container == Container::kWav && path_ != "-" &&
      ::lseek(descriptor_, 0, SEEK_SET) == 0) {
    const uint64_t data = std::min<uint64_t>(data_bytes_, kUnknown);
    status = put(header(format_, static_cast<uint32_t>(data)));
  }
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (status && closed != 0) {
    status = fail(ErrorCode::kIo, fmt::format("{}: {}", path_, strerror(errno)));
  }
  return status;
}

}  // namespace tenwatt::audio
