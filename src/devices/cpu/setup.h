// What every lowering of one executable shares: the kernels of a level and the precision contract.
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

struct Setup {
  const KernelTable* kernels = nullptr;
  devices::Precision precision = devices::Precision::kFast;
};

}  // namespace tenwatt::cpu
