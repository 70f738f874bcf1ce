// Host memory in the shape of a device buffer: its own, or somebody else's without a copy. For the
// engine's values and for devices that compute in host memory.
#pragma once

#include <cstring>
#include <span>
#include <utility>

#include "base/memory.h"
#include "devices/interface/device.h"

namespace tenwatt::devices {

class HostBuffer final : public Buffer {
 public:
  explicit HostBuffer(HugeBuffer memory) : own_(std::move(memory)), bytes_(own_.span()) {}
  /// Borrows the memory; the owner outlives the buffer.
  explicit HostBuffer(std::span<std::byte> host) : bytes_(host) {}

  size_t size() const override { return bytes_.size(); }
  /// Never null, even where there is nothing to address: a null address means device memory.
  std::byte* host() override { return bytes_.empty() ? &nothing_ : bytes_.data(); }
  Status write(size_t offset, std::span<const std::byte> from) override {
    TENWATT_TRY(check(offset, from.size()));
    if (!from.empty()) std::memcpy(bytes_.data() + offset, from.data(), from.size());
    return {};
  }
  Status read(size_t offset, std::span<std::byte> to) const override {
    TENWATT_TRY(check(offset, to.size()));
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
    return {};
  }

 private:
  Status check(size_t offset, size_t size) const {
    if (offset <= bytes_.size() && size <= bytes_.size() - offset) return {};
    return fail(ErrorCode::kOutOfRange,
                "a copy past the end of a buffer of " + std::to_string(bytes_.size()) + " bytes");
  }

  HugeBuffer own_;
  std::span<std::byte> bytes_;
  std::byte nothing_{};
};

}  // namespace tenwatt::devices
