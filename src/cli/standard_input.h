// Standard input that Ctrl-C can interrupt: signals restart a blocked read (interrupt.cc), so the
// wait for bytes happens in poll, which they do not restart.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tenwatt/runtime.h"

namespace tenwatt::cli {

/// Everything until the end of standard input, byte for byte. kCancelled once `cancel` is set,
/// kOutOfRange beyond 64 MiB, kIo.
Result<std::string> read_standard_input(const CancelFlag* cancel);

/// Standard input line by line, without the line ends. Not to be mixed with other readers.
class LineReader {
 public:
  explicit LineReader(const CancelFlag* cancel) : cancel_(cancel) {}
  /// Nothing at the end of the input. The errors of read_standard_input.
  Result<std::optional<std::string>> next();

 private:
  const CancelFlag* cancel_;
  std::string pending_;
  bool ended_ = false;
};

}  // namespace tenwatt::cli
