// One run of a program: binds shapes, runs the partitions segment by segment, and commits the
// sessions when everything succeeded.
#pragma once

#include <vector>

#include "engine/program.h"

namespace tenwatt::engine {

class Program::Run {
 public:
  Run(const Program& program, const Batch& batch, const RunOptions& options);
  Result<std::vector<Tensor>> execute();

 private:
  Status check_taps() const;
  Status bind_batch();
  Status bind_input(graph::ValueId id);
  Result<Tensor> implicit_input(const graph::Value& value) const;
  Status bind_states();
  Status bind_state_content(size_t index);
  Status view_slices();
  Status check_capacity(const Slice& slice) const;
  Status run_partition(const PlannedPartition& planned, devices::Executable& executable);
  Status run_on_host(const PlannedPartition& planned, devices::Executable& executable,
                     const devices::RunContext& context);
  Status run_on_device(const PlannedPartition& planned, devices::Executable& executable,
                       devices::Device& device, const devices::RunContext& context);
  Status make_outputs(const PlannedPartition& planned);
  Status trim_outputs(const PlannedPartition& planned);
  Status bind_after(int segment);
  Status commit();
  Result<Tensor> next_content(size_t index);
  Tensor& slot(graph::ValueId id) {
    return values_[static_cast<size_t>(program_.slots_[static_cast<size_t>(id)])];
  }

  const Program& program_;
  const graph::Graph& graph_;
  const Batch& batch_;
  const RunOptions& options_;
  graph::Bindings bindings_;
  std::vector<Tensor> values_;  // by slot
  std::vector<devices::SliceView> slices_;
  std::vector<devices::StateView> state_views_;  // slices x states
};

}  // namespace tenwatt::engine
