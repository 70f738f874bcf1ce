// Digests: SHA-256 for files that come from elsewhere, a fast checksum for pieces that we wrote
// ourselves, and the digest of a file remembered so that no model is hashed twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace tenwatt {

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// The digest in 64 lower-case hexadecimal digits. Call once.
  std::string finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256(std::span<const std::byte> bytes);
Result<std::string> sha256_of_file(const std::string& path);

/// The file's SHA-256 from the notes in the cache folder, if its device, inode, size and
/// modification time are those of the last time; else computed and noted. Thread-safe.
Result<std::string> remembered_sha256(const std::string& path);
/// Notes a digest that was just verified, so that the next remembered_sha256 is free.
Status remember_sha256(const std::string& path, const std::string& digest);

/// A 64-bit checksum against damage (not against an adversary), about 6 bytes per clock:
/// four lanes of 8 little-endian bytes, each `lane = rotate(lane ^ word, 29) * odd constant`,
/// mixed at the end with the length and finished like splitmix64. Any one changed word changes
/// its lane, since every step is a bijection of the lane.
uint64_t checksum64(std::span<const std::byte> bytes, uint64_t seed = 0);

}  // namespace tenwatt
