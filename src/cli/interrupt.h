// Ctrl-C: the first asks the running call to stop at its next safe point, the second ends the
// program at once.
#pragma once

#include "tenwatt/runtime.h"

namespace tenwatt::cli {

/// Set by SIGINT or SIGTERM once `catch_interrupts` was called. A verb that goes on after Ctrl-C
/// (chat) clears it.
CancelFlag& interrupt_flag();
/// SIGTERM came: whoever goes on after Ctrl-C must not go on now.
bool termination_asked();
void catch_interrupts();

}  // namespace tenwatt::cli
