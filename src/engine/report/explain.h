// What a plan looks like from outside: each node's device, kernel and reason, the copies between
// devices, and the bytes resident. Plain data; cli and servers print it.
#pragma once

#include <string>
#include <vector>

#include "engine/program.h"

namespace tenwatt::engine {

struct NodeReport {
  std::string name;
  std::string op;
  std::string device;  ///< empty: shape arithmetic, done when shapes are bound
  std::string kernel;
  devices::KernelKind kind = devices::KernelKind::kOwn;  ///< where a device runs it
  int partition = -1;
  /// Why no preferred device runs it: "simnpu: reason (remedy)".
  std::vector<std::string> refusals;
};

struct PartitionReport {
  std::string device;
  int segment = 0;
  int64_t nodes = 0;
  std::vector<std::string> inputs;  ///< values that cross into it
  std::vector<std::string> outputs;
  bool copies = false;  ///< its device has memory of its own
  size_t resident_bytes = 0;
};

struct PlanReport {
  std::string graph;
  std::string precision;
  int segments = 0;
  std::vector<PartitionReport> partitions;
  std::vector<NodeReport> nodes;
  size_t resident_bytes = 0;
  size_t state_bytes_per_row = 0;
};

PlanReport explain(const Program& program);

}  // namespace tenwatt::engine
