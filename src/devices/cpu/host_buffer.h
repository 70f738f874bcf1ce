// Buffers in host memory: their own, or somebody else's without a copy.
#pragma once

#include <cstring>

#include "base/memory.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

class HostBuffer : public devices::Buffer {
 public:
  explicit HostBuffer(HugeBuffer memory) : own_(std::move(memory)), bytes_(own_.span()) {}
  explicit HostBuffer(std::span<std::byte> host) : bytes_(host) {}

  size_t size() const override { return bytes_.size(); }
  std::byte* host() override { return bytes_.data(); }
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
};

}  // namespace tenwatt::cpu
