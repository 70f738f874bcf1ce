// Operators that only rename memory: reshapes, and pieces of the outermost axis.
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {
namespace {

Result<std::optional<Lowered>> lower_same_bytes(const LowerInput& input) {
  if (input.node.outputs.size() != 1) return std::optional<Lowered>();
  Lowered lowered;
  lowered.aliases.push_back({input.out(), input.in(0), 0});
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Flatten", "alias", lower_same_bytes},   {"Identity", "alias", lower_same_bytes},
    {"Reshape", "alias", lower_same_bytes},   {"Squeeze", "alias", lower_same_bytes},
    {"Unsqueeze", "alias", lower_same_bytes},
};

}  // namespace

std::span<const OperatorRow> alias_operators() { return kRows; }

}  // namespace tenwatt::cpu
