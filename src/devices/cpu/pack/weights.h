// The packed constants of a loaded partition, found by value and layout.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "base/team.h"
#include "devices/cpu/pack/packing.h"
#include "devices/cpu/setup.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

class Weights {
 public:
  /// Finds every planned piece in the artifact; an error names one that is missing or too small.
  static Result<std::shared_ptr<const Weights>> load(
      const graph::Graph& graph, std::shared_ptr<const devices::Artifact> artifact);

  /// The constants of a graph as they are, nothing packed.
  static Weights sources(const graph::Graph& graph);
  /// Every planned piece without its content, for lowerings that are only looked at: plain pieces
  /// are the source's, the addresses of others must not be read.
  static Weights planned(const graph::Graph& graph);

  /// A constant in a layout, or null if it was not packed so.
  const std::byte* find(graph::ValueId id, Packing packing) const;
  /// The bytes as the source had them: from the artifact if they are there, else from the source.
  const std::byte* plain(graph::ValueId id) const;
  size_t resident_bytes() const { return bytes_; }

 private:
  std::map<std::pair<graph::ValueId, Packing>, std::span<const std::byte>> pieces_;
  std::map<graph::ValueId, Tensor> sources_;
  std::shared_ptr<const devices::Artifact> artifact_;
  size_t bytes_ = 0;
};

/// Packs all constants of a graph into an artifact, large ones in parallel on the team.
Status pack_constants(const graph::Graph& graph, devices::ArtifactWriter& writer, Team& team);

}  // namespace tenwatt::cpu
