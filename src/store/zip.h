// Reads zip archives (wheels are zips): finds members by exact name and unpacks one to a file. Not
// a general unpacker: nothing is ever written under a name that the archive chose, so an archive
// can't place files. Zip64, encryption and multi-volume archives are refused.
//
// Layout: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory) and
// 4.3.16 (its end). The central directory alone is believed; local headers must agree with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"

namespace tenwatt::store {

struct ZipMember {
  std::string name;
  uint64_t packed_bytes = 0;
  uint64_t bytes = 0;
  uint32_t crc32 = 0;
  uint16_t method = 0;         ///< 0 stored, 8 deflated
  uint64_t header_offset = 0;  ///< of the local header
};

/// An open archive. Safe for concurrent reading.
class ZipReader {
 public:
  /// kCorrupt for whatever breaks the format, kUnsupported for what is refused (see above).
  static Result<ZipReader> open(const std::string& path);

  const std::vector<ZipMember>& members() const { return members_; }
  /// kNotFound if no member has this name, kCorrupt if several have.
  Result<ZipMember> find(std::string_view name) const;
  /// Unpacks into a new file, which is removed again on failure. Never writes more than the
  /// member's stated size; size and CRC-32 are checked.
  Status extract(const ZipMember& member, const std::string& to) const;

 private:
  std::shared_ptr<MappedFile> file_;
  std::vector<ZipMember> members_;
};

}  // namespace tenwatt::store
