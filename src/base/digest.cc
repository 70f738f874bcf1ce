// SHA-256 through OpenSSL's EVP, and our own checksum.
#include "base/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

namespace tenwatt {

static_assert(std::endian::native == std::endian::little, "file formats here are little-endian");

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}

std::string Sha256::finish() {
  std::array<unsigned char, 32> raw{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(impl_->context, raw.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned char byte : raw) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish();
}

Result<std::string> sha256_of_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                "can't open " + path + ": " + std::strerror(errno));
  }
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  Sha256 digest;
  std::vector<std::byte> chunk(size_t{1} << 20);
  ssize_t count = 0;
  while ((count = ::read(descriptor, chunk.data(), chunk.size())) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    digest.update(std::span(chunk).first(static_cast<size_t>(count)));
  }
  const int number = errno;
  ::close(descriptor);
  if (count < 0) {
    return fail(ErrorCode::kIo, "can't read " + path + ": " + std::strerror(number));
  }
  return digest.finish();
}

uint64_t checksum64(std::span<const std::byte> bytes, uint64_t seed) {
  // Odd constants: the fractional parts of the square roots of 2, 3, 5 and 7.
  constexpr std::array<uint64_t, 4> kFactors = {0x6a09e667f3bcc909, 0xbb67ae8584caa73b,
                                                0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1};
  std::array<uint64_t, 4> lanes{};
  for (size_t lane = 0; lane < 4; ++lane) lanes[lane] = seed + kFactors[lane];
  const auto mix = [&](const std::byte* source) {
    for (size_t lane = 0; lane < 4; ++lane) {
      uint64_t word = 0;
      std::memcpy(&word, source + 8 * lane, 8);
      lanes[lane] = std::rotl(lanes[lane] ^ word, 29) * kFactors[lane];
    }
  };
  size_t position = 0;
  for (; position + 32 <= bytes.size(); position += 32) mix(bytes.data() + position);
  if (position < bytes.size()) {
    std::array<std::byte, 32> tail{};
    std::memcpy(tail.data(), bytes.data() + position, bytes.size() - position);
    mix(tail.data());
  }
  uint64_t sum = seed ^ bytes.size();
  for (size_t lane = 0; lane < 4; ++lane) {
    sum = std::rotl(sum ^ lanes[lane], 23) * kFactors[lane];
    sum ^= sum >> 32;
  }
  sum = (sum ^ (sum >> 30)) * 0xbf58476d1ce4e5b9;
  sum = (sum ^ (sum >> 27)) * 0x94d049bb133111eb;
  return sum ^ (sum >> 31);
}

}  // namespace tenwatt
