#include "hearing/transcript.h"

#include <zlib.h>

namespace tenwatt::hearing {

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\n\r\f\v";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string Transcript::text() const {
  std::string joined;
  for (const Segment& segment : segments) joined += segment.text;
  return trimmed(joined);
}

double compression_ratio(const std::string& text) {
  uLongf packed_size = compressBound(text.size());
  std::vector<Bytef> packed(packed_size);
  const auto* bytes = reinterpret_cast<const Bytef*>(text.data());
  if (compress(packed.data(), &packed_size, bytes, text.size()) != Z_OK) return 0;
  return static_cast<double>(text.size()) / static_cast<double>(packed_size);
}

}  // namespace tenwatt::hearing
