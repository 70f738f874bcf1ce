// The handler touches lock-free atomics, the only things that a handler may.
#include "cli/interrupt.h"

#include <csignal>

namespace tenwatt::cli {
namespace {

CancelFlag flag{false};
CancelFlag terminate{false};
static_assert(CancelFlag::is_always_lock_free);

void on_interrupt(int signal) {
  if (signal == SIGTERM) terminate = true;
  if (!flag.exchange(true)) return;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

CancelFlag& interrupt_flag() { return flag; }
bool termination_asked() { return terminate; }

void catch_interrupts() {
  for (int signal : {SIGINT, SIGTERM}) {
    struct sigaction action{};
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace tenwatt::cli
