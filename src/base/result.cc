#include "base/result.h"

#include <array>

namespace tenwatt {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  int exit;
};

constexpr std::array kCodes = {
    CodeRow{ErrorCode::kInvalidArgument, "invalid_argument", 1},
    CodeRow{ErrorCode::kUsage, "usage", 2},
    CodeRow{ErrorCode::kNotFound, "not_found", 1},
    CodeRow{ErrorCode::kModelMissing, "model_missing", 3},
    CodeRow{ErrorCode::kCorrupt, "corrupt", 1},
    CodeRow{ErrorCode::kUnsupported, "unsupported", 1},
    CodeRow{ErrorCode::kOutOfRange, "out_of_range", 1},
    CodeRow{ErrorCode::kOutOfMemory, "out_of_memory", 1},
    CodeRow{ErrorCode::kCancelled, "cancelled", 1},
    CodeRow{ErrorCode::kIo, "io", 1},
    CodeRow{ErrorCode::kNetwork, "network", 1},
    CodeRow{ErrorCode::kDevice, "device", 1},
    CodeRow{ErrorCode::kAudioDevice, "audio_device", 4},
    CodeRow{ErrorCode::kInternal, "internal", 1},
};

const CodeRow& row(ErrorCode code) {
  for (const CodeRow& entry : kCodes) {
    if (entry.code == code) return entry;
  }
  return kCodes.back();
}

}  // namespace

std::string_view error_name(ErrorCode code) { return row(code).name; }
int exit_code(ErrorCode code) { return row(code).exit; }

}  // namespace tenwatt
