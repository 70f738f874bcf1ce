// A binding: one stage of a partition with every extent known. It holds the lowered steps, the
// place of every value's memory and nothing that changes from run to run, so concurrent runs share
// it and a cached one costs a run nothing.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "devices/cpu/lower/lower.h"
#include "devices/cpu/stages.h"

namespace tenwatt::cpu {

/// Where a value's memory is.
struct Place {
  enum class Base : uint8_t {
    kNone,      ///< nothing reads its memory
    kArena,     ///< offset into the run's arena
    kOwn,       ///< offset into each member's own part of the arena
    kInput,     ///< offset into input argument `index`
    kOutput,    ///< offset into output argument `index`
    kCrossing,  ///< offset into the run's memory for value `index`, which outlives the stage
    kFixed,     ///< `fixed`: a weight or a known value
  };
  Base base = Base::kNone;
  int32_t index = 0;
  size_t offset = 0;
  const std::byte* fixed = nullptr;
};

/// A value of this stage and its place.
struct Placed {
  graph::ValueId value;
  Place place;
};

/// A result that must be copied to where it is wanted after the last step (it is an alias of
/// something that could not be placed there).
struct CopyOut {
  graph::ValueId value;
  Place to;
  size_t bytes;
};

/// Memory that outlives the stage, to be made before it runs.
struct CrossingNeed {
  graph::ValueId value;
  size_t bytes;
};

struct Binding {
  std::vector<Step> steps;
  std::vector<uint8_t> barrier_after;  ///< by step: 1 where a later step needs its results
  std::vector<Placed> placed;
  std::vector<Placed> own;  ///< those of `placed` that each member has for itself
  std::vector<CopyOut> copies;
  std::vector<CrossingNeed> crossing;
  std::vector<Shape> shapes;       ///< by ValueId; empty where the stage does not know it
  std::vector<Tensor> known;       ///< owns materialised values
  std::vector<int32_t> tap_after;  ///< by ValueId: the step after which it is complete
  size_t arena_bytes = 0;          ///< values and shared scratch
  size_t shared_scratch_offset = 0;
  size_t member_scratch_offset = 0;  ///< in a member's own part
  size_t member_bytes = 0;           ///< a member's own part, after arena_bytes: values and scratch
};

/// Lowers `stage` under `bindings` and places its values.
Result<std::shared_ptr<const Binding>> bind_stage(const graph::Graph& graph, const Stage& stage,
                                                  const graph::Bindings& bindings,
                                                  const Weights& weights, const Setup& setup);

/// Bytes of a value of concrete shape.
Result<size_t> value_bytes(const graph::Graph& graph, graph::ValueId id, const Shape& shape);

}  // namespace tenwatt::cpu
