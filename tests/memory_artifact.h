// An artifact for the tests of devices, which see no engine.
#pragma once

#include <map>
#include <string>

#include "base/memory.h"
#include "devices/interface/device.h"

namespace tenwatt::material {

/// An artifact that lives in memory; counts what the packer says it has consumed.
class MemoryArtifact : public devices::Artifact, public devices::ArtifactWriter {
 public:
  std::optional<std::span<const std::byte>> piece(std::string_view name) const override {
    const auto at = pieces_.find(std::string(name));
    if (at == pieces_.end()) return std::nullopt;
    return at->second.span();
  }
  Result<std::span<std::byte>> add(std::string_view name, size_t bytes) override {
    auto& buffer = pieces_[std::string(name)];
    buffer = TENWATT_TRY(HugeBuffer::allocate(bytes));
    return buffer.span();
  }
  void consumed(const Tensor&) override { ++consumed_count; }

  size_t bytes() const {
    size_t sum = 0;
    for (const auto& [name, buffer] : pieces_) sum += buffer.size();
    return sum;
  }
  const std::map<std::string, HugeBuffer>& pieces() const { return pieces_; }
  int consumed_count = 0;

 private:
  std::map<std::string, HugeBuffer> pieces_;
};

}  // namespace tenwatt::material
