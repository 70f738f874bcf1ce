// The table of failures. That every code has its row is checked here, when it is compiled.
#include "base/result.h"

#include <array>

#include "base/error_table.h"

namespace tenwatt {
namespace {

using enum ErrorCode;

constexpr std::array kRows = {
    ErrorRow{kInvalidArgument, "invalid_argument", 1, "the request makes no sense"},
    ErrorRow{kUsage, "usage", 2, "the command line can't be understood"},
    ErrorRow{kNotFound, "not_found", 1, "a file, tensor, value or name is not there"},
    ErrorRow{kModelMissing, "model_missing", 3,
             "a model is not there: not pulled, misspelt, or no such path"},
    ErrorRow{kCorrupt, "corrupt", 1, "bytes break the rules of their format"},
    ErrorRow{kUnsupported, "unsupported", 1, "valid, but not something this build can do"},
    ErrorRow{kOutOfRange, "out_of_range", 1, "a size or position is beyond a stated bound"},
    ErrorRow{kOutOfMemory, "out_of_memory", 1, "memory or the budget of a device is used up"},
    ErrorRow{kCancelled, "cancelled", 1, "the caller stopped it"},
    ErrorRow{kIo, "io", 1, "the operating system refused a read, a write or a process"},
    ErrorRow{kNetwork, "network", 1, "a download failed"},
    ErrorRow{kDevice, "device", 1, "an accelerator failed"},
    ErrorRow{kAudioDevice, "audio_device", 4, "a microphone or loudspeaker failed"},
    ErrorRow{kInternal, "internal", 1, "a fault of Tenwatt itself"},
};

consteval bool rows_follow_the_enumeration() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].code != static_cast<ErrorCode>(i)) return false;
  }
  return kRows.size() == static_cast<size_t>(kInternal) + 1;
}
static_assert(rows_follow_the_enumeration(), "each ErrorCode has one row, in its place");

const ErrorRow& row(ErrorCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kRows.size() ? kRows[index] : kRows.back();
}

}  // namespace

std::span<const ErrorRow> error_table() { return kRows; }
std::string_view error_name(ErrorCode code) { return row(code).name; }
int exit_code(ErrorCode code) { return row(code).exit_code; }

}  // namespace tenwatt
