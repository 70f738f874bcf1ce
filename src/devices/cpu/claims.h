// The CPU's answers to "can you run this node": a Yes with the kernel's name and a simple estimate,
// or a No with what would help. The name is that of a trial lowering at moderate extents, so it is
// what runs there. Not a cost model: rates are nominal.
#pragma once

#include <memory>

#include "devices/cpu/setup.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

/// Makes the claims of one graph, which must outlive it.
class ClaimMaker {
 public:
  ClaimMaker(const graph::Graph& graph, const Setup& setup);
  ~ClaimMaker();
  devices::Claim claim(const graph::Node& node) const;

 private:
  struct Trial;
  const graph::Graph& graph_;
  const Setup& setup_;
  std::unique_ptr<Trial> trial_;
};

}  // namespace tenwatt::cpu
