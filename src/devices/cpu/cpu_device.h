// The CPU as a device: every operator runs here, by kernels of the machine's instruction level
// where there is one and by the reference kernel otherwise.
#pragma once

#include <memory>
#include <optional>

#include "base/result.h"
#include "devices/cpu/probe/probe.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

struct CpuOptions {
  /// The instruction level; by default the best one that the machine can run.
  std::optional<Level> level;
};

/// The device. An error if the asked level can't run here.
Result<std::shared_ptr<devices::Device>> make_cpu_device(CpuOptions options = {});

}  // namespace tenwatt::cpu
