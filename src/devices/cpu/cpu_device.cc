#include "devices/cpu/cpu_device.h"

#include <algorithm>

#include "devices/cpu/claims.h"
#include "devices/cpu/executable.h"
#include "devices/cpu/state_layout.h"
#include "devices/interface/host_buffer.h"

namespace tenwatt::cpu {
namespace {

// Part of artifact keys: raise it when the layout of any packed piece changes.
constexpr std::string_view kLayoutVersion = "1";

/// True for a convolution that lets its operands be rounded to bf16.
bool takes_bf16(const graph::Node& node) {
  return (node.op == "Conv" || node.op == "ConvTranspose") && node.text("operands", "") == "bf16";
}

graph::Graph with_f32_operands(graph::Graph graph) {
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    graph::Node& node = graph.node(static_cast<graph::NodeId>(i));
    if (takes_bf16(node)) node.attributes.erase("operands");
  }
  return graph;
}

class CpuDevice : public devices::Device {
 public:
  explicit CpuDevice(Level level) : kernels_(kernels(level)) {
    info_.name = "cpu";
    info_.description = processor_name() + ", " + std::to_string(available_cores()) + " cores, " +
                        std::string(level_name(level));
    info_.host_memory = true;
  }

  const devices::DeviceInfo& info() const override { return info_; }

  std::vector<devices::Claim> claim(const graph::Graph& graph,
                                    devices::Precision precision) const override {
    if (asks_too_much(graph)) return claim(with_f32_operands(graph), precision);
    const Setup setup{&kernels_, precision};
    std::vector<devices::Claim> claims;
    claims.reserve(graph.nodes().size());
    const ClaimMaker maker(graph, setup);
    for (const graph::Node& node : graph.nodes()) claims.push_back(maker.claim(node));
    return claims;
  }

  Result<std::unique_ptr<devices::Buffer>> allocate(size_t bytes) override {
    return std::make_unique<devices::HostBuffer>(TENWATT_TRY(HugeBuffer::allocate(bytes)));
  }
  Result<std::unique_ptr<devices::Buffer>> import(std::span<std::byte> host) override {
    return std::make_unique<devices::HostBuffer>(host);
  }

  Status build(const devices::Partition& partition, devices::ArtifactWriter& writer,
               Team& team) override {
    if (!asks_too_much(partition.graph)) return pack_constants(partition.graph, writer, team);
    return pack_constants(with_f32_operands(partition.graph), writer, team);
  }

  Result<std::unique_ptr<devices::Executable>> load(
      const devices::Partition& partition,
      std::shared_ptr<const devices::Artifact> artifact) override {
    devices::Partition own = partition;
    if (asks_too_much(own.graph)) own.graph = with_f32_operands(std::move(own.graph));
    TENWATT_TRY(layout_.learn(own.graph));
    auto weights = TENWATT_TRY(Weights::load(own.graph, std::move(artifact)));
    const Setup setup{&kernels_, own.precision};
    return std::make_unique<CpuExecutable>(std::move(own), std::move(weights), setup);
  }

  const devices::StateLayout* state_layout() const override { return &layout_; }

  std::string build_signature() const override {
    return "cpu-" + std::string(kLayoutVersion) + (kernels_.conv1d_bf16 ? "-bf16" : "");
  }

 private:
  /// True where a convolution allows bf16 operands and the level has no products of them.
  bool asks_too_much(const graph::Graph& graph) const {
    return !kernels_.conv1d_bf16 && std::ranges::any_of(graph.nodes(), takes_bf16);
  }

  const KernelTable& kernels_;
  devices::DeviceInfo info_;
  CpuStateLayout layout_;
};

}  // namespace

Result<std::shared_ptr<devices::Device>> make_cpu_device(CpuOptions options) {
  const Level level = options.level.value_or(best_level());
  if (std::ranges::find(usable_levels(), level) == usable_levels().end()) {
    return fail(ErrorCode::kUnsupported,
                "this machine can't run the level " + std::string(level_name(level)),
                "leave the level out to get the best one");
  }
  return std::make_shared<CpuDevice>(level);
}

}  // namespace tenwatt::cpu
