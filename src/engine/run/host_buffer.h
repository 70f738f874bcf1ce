// Host memory in the shape of a device buffer, so that devices which compute in host memory get
// values without a copy.
#pragma once

#include <cstring>
#include <span>

#include "devices/interface/device.h"

namespace tenwatt::engine {

/// Borrows the memory; the owner outlives it.
class HostBuffer final : public devices::Buffer {
 public:
  explicit HostBuffer(std::span<std::byte> memory) : memory_(memory) {}
  size_t size() const override { return memory_.size(); }
  /// Never null, even where there is nothing to borrow: a null address means device memory.
  std::byte* host() override { return memory_.empty() ? &nothing_ : memory_.data(); }
  Status write(size_t offset, std::span<const std::byte> from) override {
    if (offset > memory_.size() || from.size() > memory_.size() - offset) return outside();
    if (!from.empty()) std::memcpy(memory_.data() + offset, from.data(), from.size());
    return {};
  }
  Status read(size_t offset, std::span<std::byte> to) const override {
    if (offset > memory_.size() || to.size() > memory_.size() - offset) return outside();
    if (!to.empty()) std::memcpy(to.data(), memory_.data() + offset, to.size());
    return {};
  }

 private:
  static std::unexpected<Error> outside() {
    return fail(ErrorCode::kOutOfRange, "a copy reaches past the end of a buffer");
  }
  std::span<std::byte> memory_;
  std::byte nothing_{};
};

}  // namespace tenwatt::engine
