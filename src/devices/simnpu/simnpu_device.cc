#include "devices/simnpu/simnpu_device.h"

#include "devices/interface/host_buffer.h"
#include "devices/simnpu/limits.h"
#include "devices/simnpu/memory.h"

namespace tenwatt::simnpu {
namespace {

using devices::Argument;
using devices::Executable;
using devices::Partition;

/// The device's side of an argument: the same bytes, addressed by the kernels that stand in for it.
class Operands {
 public:
  Status add(const Argument& argument) {
    auto* buffer = dynamic_cast<DeviceBuffer*>(argument.buffer);
    if (!buffer) return fail(ErrorCode::kInvalidArgument, "an argument is not in simnpu's memory");
    if (argument.offset % kTransferAlignment != 0) {
      return fail(ErrorCode::kInvalidArgument, "an argument at " + std::to_string(argument.offset) +
                                                   " does not start at a multiple of 64");
    }
    buffers_.push_back(std::make_unique<devices::HostBuffer>(buffer->device_bytes()));
    arguments_.push_back({buffers_.back().get(), argument.offset});
    return {};
  }
  std::span<const Argument> arguments() const { return arguments_; }

 private:
  std::vector<std::unique_ptr<devices::HostBuffer>> buffers_;
  std::vector<Argument> arguments_;
};

class SimnpuExecutable : public Executable {
 public:
  SimnpuExecutable(std::unique_ptr<Executable> kernels, size_t bytes,
                   std::shared_ptr<Budget> budget)
      : kernels_(std::move(kernels)), bytes_(bytes), budget_(std::move(budget)) {}
  ~SimnpuExecutable() override { budget_->give_back(bytes_); }

  Status run(graph::Bindings& bindings, std::span<const Argument> inputs,
             std::span<const Argument> outputs, const devices::RunContext& context) override {
    Operands in;
    Operands out;
    for (const Argument& argument : inputs) TENWATT_TRY(in.add(argument));
    for (const Argument& argument : outputs) TENWATT_TRY(out.add(argument));
    return kernels_->run(bindings, in.arguments(), out.arguments(), context);
  }
  size_t resident_bytes() const override { return kernels_->resident_bytes(); }

 private:
  std::unique_ptr<Executable> kernels_;
  size_t bytes_;
  std::shared_ptr<Budget> budget_;
};

class SimnpuDevice : public devices::Device {
 public:
  SimnpuDevice(std::shared_ptr<devices::Device> cpu, size_t memory_bytes)
      : cpu_(std::move(cpu)), budget_(std::make_shared<Budget>(memory_bytes)) {
    info_.name = "simnpu";
    info_.description = "simulated NPU, exact mode, kernels of " + cpu_->info().description;
    info_.fixed_shapes = true;
    info_.emulator = true;
    info_.memory_bytes = memory_bytes;
  }

  const devices::DeviceInfo& info() const override { return info_; }

  std::vector<devices::Claim> claim(const graph::Graph& graph,
                                    devices::Precision precision) const override {
    std::vector<devices::Claim> claims = cpu_->claim(graph, precision);
    for (size_t i = 0; i < claims.size(); ++i) {
      if (auto no = refusal(graph, graph.nodes()[i])) claims[i] = std::move(*no);
    }
    return claims;
  }

  Result<std::unique_ptr<devices::Buffer>> allocate(size_t bytes) override {
    return TENWATT_TRY(DeviceBuffer::allocate(bytes, budget_));
  }
  Result<std::unique_ptr<devices::Buffer>> import(std::span<std::byte>) override {
    return fail(ErrorCode::kUnsupported, "simnpu can't address host memory",
                "allocate a buffer and write to it");
  }

  Status build(const Partition& partition, devices::ArtifactWriter& writer, Team& team) override {
    TENWATT_TRY(check(partition.graph));
    return cpu_->build(partition, writer, team);
  }

  Result<std::unique_ptr<Executable>> load(
      const Partition& partition, std::shared_ptr<const devices::Artifact> artifact) override {
    TENWATT_TRY(check(partition.graph));
    auto kernels = TENWATT_TRY(cpu_->load(partition, std::move(artifact)));
    const size_t bytes = kernels->resident_bytes();
    TENWATT_TRY(budget_->take(bytes));
    return std::make_unique<SimnpuExecutable>(std::move(kernels), bytes, budget_);
  }

  std::string build_signature() const override { return "simnpu-1+" + cpu_->build_signature(); }

 private:
  /// What claims promised: nobody builds what was refused.
  Status check(const graph::Graph& graph) const {
    for (const graph::Node& node : graph.nodes()) {
      if (auto no = refusal(graph, node)) {
        return fail(ErrorCode::kUnsupported, node.name + ": " + no->reason, no->remedy);
      }
    }
    return {};
  }

  std::shared_ptr<devices::Device> cpu_;
  std::shared_ptr<Budget> budget_;
  devices::DeviceInfo info_;
};

}  // namespace

Result<std::shared_ptr<devices::Device>> make_simnpu_device(SimnpuOptions options) {
  auto cpu = TENWATT_TRY(cpu::make_cpu_device({options.level}));
  return std::make_shared<SimnpuDevice>(std::move(cpu), options.memory_bytes);
}

}  // namespace tenwatt::simnpu
