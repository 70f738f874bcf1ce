// Ctrl-C: the first asks the running call to stop at its next safe point, the second ends the
// program at once.
#pragma once

#include "tenwatt/runtime.h"

namespace tenwatt::cli {

/// Set by SIGINT or SIGTERM once `catch_interrupts` was called.
CancelFlag& interrupt_flag();
void catch_interrupts();

}  // namespace tenwatt::cli
