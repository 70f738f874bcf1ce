// A CPU partition that is ready to run: its stages, its weights, the bindings it has seen and a
// pool of memory for runs. One run is one dispatch to the team per stage. Where convolutions can be
// joined with their neighbours, runs go through a form of the graph in which they are; a run that
// taps values goes through the partition's own nodes, with the same bits.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/binding.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

/// What one run computes in. Pooled: a run takes one and gives it back.
struct RunMemory {
  HugeBuffer arena;
  std::vector<std::byte*> values;  ///< by ValueId, then by those of blocks; as member 0 sees them
  std::vector<std::vector<std::byte*>> others;  ///< the same as members from 1 on see them
  std::vector<HugeBuffer> crossing;             ///< by ValueId; only for graphs of several stages
  std::vector<Tensor> extents;                  ///< results of kExtent stages, by ValueId
};

class CpuExecutable : public devices::Executable {
 public:
  CpuExecutable(devices::Partition partition, std::shared_ptr<const Weights> weights,
                const Setup& setup);

  Status run(graph::Bindings& bindings, std::span<const devices::Argument> inputs,
             std::span<const devices::Argument> outputs,
             const devices::RunContext& context) override;
  size_t resident_bytes() const override;
  /// The kernels of every step under these bindings, for reports and tests.
  Result<std::vector<std::string>> kernels(const graph::Bindings& bindings);
  /// Bindings kept at present (at most kBindings per stage).
  size_t cached_bindings() const;
  /// Bindings made since loading; a run with known extents makes none.
  size_t made_bindings() const { return made_; }

  static constexpr size_t kBindings = 16;

 private:
  using Key = std::vector<int64_t>;
  struct Cached {
    Key key;
    std::shared_ptr<const Binding> binding;
  };

  /// A graph with the partition's values, and what is known of its runs.
  struct Form {
    explicit Form(graph::Graph form);
    graph::Graph graph;
    std::vector<Stage> stages;
    std::vector<std::list<Cached>> cache;  ///< by stage, newest first
  };

  Result<std::shared_ptr<const Binding>> binding_of(Form& form, size_t stage,
                                                    const graph::Bindings& bindings);
  Key key_of(const graph::Bindings& bindings) const;
  std::unique_ptr<RunMemory> take_memory();
  void give_back(std::unique_ptr<RunMemory> memory);

  std::shared_ptr<const Weights> weights_;
  Setup setup_;
  /// As it runs where nothing is tapped.
  Form& running() { return joined_ ? *joined_ : plain_; }

  Form plain_;                              ///< every node by itself
  std::optional<Form> joined_;              ///< only where a convolution joins its neighbours
  std::vector<graph::SymbolId> mentioned_;  ///< symbols that any shape or known value mentions

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<RunMemory>> pool_;
  size_t made_ = 0;
};

}  // namespace tenwatt::cpu
