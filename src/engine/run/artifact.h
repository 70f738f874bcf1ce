// Artifacts in memory and on disk: what a device built once (packed weights, compiled blobs), kept
// so that the next start only reads it.
//
// File layout, little endian: 8 bytes magic "TWARTIF1"; u32 length of the key and the key; u32
// number of pieces; per piece u32 name length, name, u64 offset, u64 bytes, u64 checksum; u64
// checksum of everything before it; then the pieces, each at a multiple of 4096. A file whose key,
// table or any piece doesn't check is treated as absent and rebuilt, never trusted.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/team.h"
#include "devices/interface/device.h"

namespace tenwatt::engine {

/// Pieces in huge pages, filled by a device or read from a file.
class MemoryArtifact final : public devices::Artifact, public devices::ArtifactWriter {
 public:
  std::optional<std::span<const std::byte>> piece(std::string_view name) const override;
  Result<std::span<std::byte>> add(std::string_view name, size_t bytes) override;
  /// Drops the source's pages from the resident set, if it is part of a mapped file.
  void consumed(const Tensor& source) override;

  size_t bytes() const { return bytes_; }
  struct Piece {
    std::string name;
    std::span<std::byte> bytes;
  };
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  std::vector<HugeBuffer> chunks_;
  size_t free_ = 0;  // bytes left at the end of the last chunk
  size_t bytes_ = 0;
  std::vector<Piece> pieces_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

/// A folder of artifact files.
class ArtifactStore {
 public:
  /// An empty folder name keeps nothing.
  explicit ArtifactStore(std::string folder) : folder_(std::move(folder)) {}

  /// The artifact of this key, every piece verified, read in parallel into huge pages. kNotFound
  /// if there is none; kCorrupt (with the file's name) if there is one that doesn't check.
  Result<std::shared_ptr<MemoryArtifact>> read(const std::string& key, Team& team) const;
  /// Writes beside the target and renames, so readers see a whole file or none.
  Status write(const std::string& key, const MemoryArtifact& artifact) const;
  std::string path(const std::string& key) const;

 private:
  std::string folder_;
};

}  // namespace tenwatt::engine
