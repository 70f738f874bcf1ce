// Writes small zip archives for tests, with hooks to break each field. Not for anything else.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tenwatt::store {

/// A member and what its headers say of it; wrong on purpose where a test wants that.
struct TestMember {
  std::string name;
  std::string content;
  bool deflated = true;
  int64_t stated_bytes = -1;  // -1: the truth
  int64_t stated_packed_bytes = -1;
  int64_t stated_offset = -1;
  uint32_t crc_error = 0;       // added to the CRC
  std::string local_name = {};  // empty: the name
  uint16_t flags = 0;
  uint16_t method = 0xffff;  // 0xffff: by `deflated`
};

inline void put(std::string& out, uint64_t value, int bytes) {
  for (int index = 0; index < bytes; ++index) out += static_cast<char>(value >> (8 * index));
}

inline std::string deflate_raw(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string make_zip(const std::vector<TestMember>& members,
                            const std::string& comment = {}) {
  std::string out;
  std::string directory;
  for (const TestMember& member : members) {
    const std::string packed = member.deflated ? deflate_raw(member.content) : member.content;
    const auto crc = static_cast<uint32_t>(crc32(
        0, reinterpret_cast<const Bytef*>(member.content.data()), uInt(member.content.size())));
    const uint16_t method = member.method != 0xffff ? member.method : member.deflated ? 8 : 0;
    const auto stated = [](int64_t value, size_t truth) {
      return value >= 0 ? static_cast<uint64_t>(value) : truth;
    };
    std::string common;
    put(common, 20, 2);
    put(common, member.flags, 2);
    put(common, method, 2);
    put(common, 0, 4);
    put(common, crc + member.crc_error, 4);
    put(common, stated(member.stated_packed_bytes, packed.size()), 4);
    put(common, stated(member.stated_bytes, member.content.size()), 4);
    const uint64_t offset = stated(member.stated_offset, out.size());
    const std::string& local_name = member.local_name.empty() ? member.name : member.local_name;
    put(out, 0x04034b50, 4);
    out += common;
    put(out, local_name.size(), 2);
    put(out, 0, 2);
    out += local_name + packed;
    put(directory, 0x02014b50, 4);
    put(directory, 20, 2);
    directory += common;
    put(directory, member.name.size(), 2);
    put(directory, 0, 2 + 2 + 2 + 2);
    put(directory, 0, 4);
    put(directory, offset, 4);
    directory += member.name;
  }
  const size_t directory_offset = out.size();
  out += directory;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, members.size(), 2);
  put(out, members.size(), 2);
  put(out, directory.size(), 4);
  put(out, directory_offset, 4);
  put(out, comment.size(), 2);
  return out + comment;
}

}  // namespace tenwatt::store
