// libFuzzer's entry for the parser named TENWATT_FUZZED.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "fuzz/parser.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tenwatt::set_log_level(tenwatt::LogLevel::kError);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tenwatt::fuzz::Parser;
  static const Parser& parser =
      *std::ranges::find(tenwatt::fuzz::parsers(), TENWATT_FUZZED, &Parser::name);
  parser.accepts(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
