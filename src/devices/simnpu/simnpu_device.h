// A simulated neural processor, written to be copied by authors of real ones: memory of its own,
// one fixed shape per executable, a short operator list and refusals that help.
//
// It computes with the CPU's kernels on its own memory ("exact" mode), so a graph that is placed
// here must give the CPU's bits: what such a test finds is a fault of placement, copies or windows.
// A real device replaces Build and Load by its packer or its vendor's compiler; the rest stays.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "devices/cpu/cpu_device.h"
#include "devices/interface/device.h"

namespace tenwatt::simnpu {

struct SimnpuOptions {
  size_t memory_bytes = size_t{512} << 20;  ///< budget for buffers and artifacts
  std::optional<cpu::Level> level;          ///< of the kernels; by default the machine's best
};

Result<std::shared_ptr<devices::Device>> make_simnpu_device(SimnpuOptions options = {});

}  // namespace tenwatt::simnpu
