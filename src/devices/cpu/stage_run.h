// One stage of one run: gives every value its address, dispatches the steps to the team, calls
// taps, and binds the symbols that the stage decides.
#pragma once

#include "devices/cpu/binding.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

struct RunMemory;

struct StageRun {
  const graph::Graph& graph;
  const Stage& stage;
  const Binding& binding;
  std::span<const devices::Argument> inputs;
  std::span<const devices::Argument> outputs;
  const devices::RunContext& context;
  RunMemory& memory;

  /// Runs the stage; symbols that it decides are written into `bindings`.
  Status run(graph::Bindings& bindings) const;

 private:
  Status prepare() const;
  Result<std::byte*> address(const Placed& placed) const;
  /// A member's own part of the arena, and where it finds every value.
  std::byte* own_memory(int member) const;
  std::byte* const* values_of(int member) const;
  Status dispatch() const;
  void run_member(Member& member, StepFailure& failure) const;
  void tap_after(int32_t step) const;
  bool wants_tap(int32_t step) const;
  void tap(graph::ValueId id) const;
  void copy_results(Member& member, std::byte* const* values) const;
  Status run_extent(graph::Bindings& bindings) const;
  Status decide(graph::Bindings& bindings) const;
};

}  // namespace tenwatt::cpu
