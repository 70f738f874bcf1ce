#include "audio/reader.h"

#include <fmt/format.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tenwatt::audio {
namespace {

constexpr int kLowestRate = 1000;
constexpr int kHighestRate = 768000;

/// A file in memory as libsndfile's virtual file.
struct MemoryFile {
  std::vector<std::byte> bytes;
  sf_count_t position = 0;

  sf_count_t size() const { return static_cast<sf_count_t>(bytes.size()); }
};

sf_count_t memory_length(void* user) { return static_cast<MemoryFile*>(user)->size(); }

sf_count_t memory_seek(sf_count_t offset, int whence, void* user) {
  auto* file = static_cast<MemoryFile*>(user);
  sf_count_t base = 0;
  if (whence == SEEK_CUR) base = file->position;
  if (whence == SEEK_END) base = file->size();
  file->position = std::clamp<sf_count_t>(base + offset, 0, file->size());
  return file->position;
}

sf_count_t memory_read(void* to, sf_count_t count, void* user) {
  auto* file = static_cast<MemoryFile*>(user);
  const sf_count_t take = std::clamp<sf_count_t>(count, 0, file->size() - file->position);
  if (take == 0) return 0;  // an empty file has no bytes to point at
  std::memcpy(to, file->bytes.data() + file->position, static_cast<size_t>(take));
  file->position += take;
  return take;
}

sf_count_t memory_write(const void*, sf_count_t, void*) { return 0; }
sf_count_t memory_tell(void* user) { return static_cast<MemoryFile*>(user)->position; }

SF_VIRTUAL_IO kMemoryCalls = {memory_length, memory_seek, memory_read, memory_write, memory_tell};

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SoundHandle = std::unique_ptr<SNDFILE, CloseSound>;

ErrorCode code_of(int sound_error) {
  if (sound_error == SF_ERR_MALFORMED_FILE) return ErrorCode::kCorrupt;
  if (sound_error == SF_ERR_SYSTEM) return ErrorCode::kIo;
  return ErrorCode::kUnsupported;
}

Result<std::vector<std::byte>> read_standard_input(int64_t limit) {
  std::vector<std::byte> bytes;
  constexpr size_t kPiece = size_t{1} << 16;
  for (;;) {
    const size_t old_size = bytes.size();
    bytes.resize(old_size + kPiece);
    const ssize_t got = ::read(STDIN_FILENO, bytes.data() + old_size, kPiece);
    bytes.resize(old_size + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::kIo, fmt::format("standard input: {}", strerror(errno)));
    if (got == 0) return bytes;
    if (static_cast<int64_t>(bytes.size()) > limit) {
      return fail(ErrorCode::kOutOfRange,
                  fmt::format("standard input: more than {} bytes of sound", limit),
                  "save it to a file and give the file's name");
    }
  }
}

Status check_regular(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return fail(code, fmt::format("{}: {}", path, strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder, not a sound", path),
                "name the files in it");
  }
  return {};
}

}  // namespace

struct AudioReader::Impl {
  std::string name;
  ReadLimits limits;
  std::unique_ptr<MemoryFile> memory;  // outlives `sound`, which reads it
  SoundHandle sound;
  SF_INFO info = {};
  int64_t frames_read = 0;

  Status check() const;
  int64_t most_frames() const { return static_cast<int64_t>(limits.seconds * info.samplerate); }
  std::unexpected<Error> too_long() const;
};

std::unexpected<Error> AudioReader::Impl::too_long() const {
  return fail(ErrorCode::kOutOfRange,
              fmt::format("{}: longer than {:.0f} seconds of sound", name, limits.seconds),
              "cut it into shorter files");
}

Status AudioReader::Impl::check() const {
  if (info.channels < 1 || info.channels > limits.channels) {
    return fail(ErrorCode::kOutOfRange, fmt::format("{}: {} channels; 1 to {} can be read", name,
                                                    info.channels, limits.channels));
  }
  if (info.samplerate < kLowestRate || info.samplerate > kHighestRate) {
    return fail(ErrorCode::kOutOfRange,
                fmt::format("{}: {} samples per second; {} to {} can be read", name,
                            info.samplerate, kLowestRate, kHighestRate));
  }
  return {};
}

AudioReader::AudioReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;
AudioReader::~AudioReader() = default;

Result<AudioReader> AudioReader::open(const std::string& path, const ReadLimits& limits) {
  if (path == "-") {
    return open_memory(TENWATT_TRY(read_standard_input(limits.stream_bytes)), "standard input",
                       limits);
  }
  TENWATT_TRY(check_regular(path));
  auto impl = std::make_unique<Impl>();
  impl->name = path;
  impl->limits = limits;
  impl->sound.reset(sf_open(path.c_str(), SFM_READ, &impl->info));
  if (!impl->sound) {
    return fail(code_of(sf_error(nullptr)),
                fmt::format("{}: can't be read as sound: {}", path, sf_strerror(nullptr)),
                "WAV and FLAC of any rate and channel count can be read");
  }
  TENWATT_TRY(impl->check());
  return AudioReader(std::move(impl));
}

Result<AudioReader> AudioReader::open_memory(std::vector<std::byte> bytes, std::string name,
                                             const ReadLimits& limits) {
  auto impl = std::make_unique<Impl>();
  impl->name = std::move(name);
  impl->limits = limits;
  impl->memory = std::make_unique<MemoryFile>();
  impl->memory->bytes = std::move(bytes);
  impl->sound.reset(sf_open_virtual(&kMemoryCalls, SFM_READ, &impl->info, impl->memory.get()));
  if (!impl->sound) {
    return fail(code_of(sf_error(nullptr)),
                fmt::format("{}: can't be read as sound: {}", impl->name, sf_strerror(nullptr)),
                "WAV and FLAC of any rate and channel count can be read");
  }
  TENWATT_TRY(impl->check());
  return AudioReader(std::move(impl));
}

int AudioReader::rate() const { return impl_->info.samplerate; }
int AudioReader::channels() const { return impl_->info.channels; }

Result<int64_t> AudioReader::read(std::span<float> samples) {
  const int64_t wanted = static_cast<int64_t>(samples.size()) / channels();
  const int64_t got = sf_readf_float(impl_->sound.get(), samples.data(), wanted);
  // A damaged tail ends the sound; only a file that gave nothing at all is refused as damaged.
  if (got == 0 && impl_->frames_read == 0 && sf_error(impl_->sound.get()) != SF_ERR_NO_ERROR) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: {}", impl_->name, sf_strerror(impl_->sound.get())));
  }
  impl_->frames_read += got;
  if (impl_->frames_read > impl_->most_frames()) return impl_->too_long();
  return got;
}

}  // namespace tenwatt::audio
