// The memory of the simulated NPU: a budget of its own that the host can't address. Bytes get in
// and out by copies that start at multiples of 64, as a transfer engine would have it.
#pragma once

#include <atomic>
#include <memory>

#include "base/memory.h"
#include "devices/interface/device.h"

namespace tenwatt::simnpu {

inline constexpr size_t kTransferAlignment = 64;

/// How much of the device's memory is taken. Shared by the device and its buffers.
class Budget {
 public:
  explicit Budget(size_t bytes) : bytes_(bytes) {}
  /// Takes bytes, or fails with kOutOfMemory and takes none.
  Status take(size_t bytes);
  void give_back(size_t bytes) { used_.fetch_sub(bytes); }
  size_t used() const { return used_.load(); }
  size_t size() const { return bytes_; }

 private:
  const size_t bytes_;
  std::atomic<size_t> used_{0};
};

class DeviceBuffer : public devices::Buffer {
 public:
  static Result<std::unique_ptr<DeviceBuffer>> allocate(size_t bytes,
                                                        std::shared_ptr<Budget> budget);
  ~DeviceBuffer() override;

  size_t size() const override { return memory_.size(); }
  std::byte* host() override { return nullptr; }
  Status write(size_t offset, std::span<const std::byte> from) override;
  Status read(size_t offset, std::span<std::byte> to) const override;

  /// The bytes as the device's own kernels see them.
  std::span<std::byte> device_bytes() { return memory_.span(); }

 private:
  DeviceBuffer(HugeBuffer memory, std::shared_ptr<Budget> budget)
      : memory_(std::move(memory)), budget_(std::move(budget)) {}
  Status check(size_t offset, size_t size) const;

  HugeBuffer memory_;
  std::shared_ptr<Budget> budget_;
};

}  // namespace tenwatt::simnpu
