#include "devices/simnpu/memory.h"

#include <cstring>

namespace tenwatt::simnpu {

Status Budget::take(size_t bytes) {
  size_t used = used_.load();
  do {
    if (bytes > bytes_ - used) {
      return fail(ErrorCode::kOutOfMemory,
                  "simnpu has " + std::to_string(bytes_ - used) + " bytes left of " +
                      std::to_string(bytes_) + "; " + std::to_string(bytes) + " are wanted",
                  "choose a smaller window, or leave more nodes to the CPU");
    }
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return {};
}

Result<std::unique_ptr<DeviceBuffer>> DeviceBuffer::allocate(size_t bytes,
                                                             std::shared_ptr<Budget> budget) {
  TENWATT_TRY(budget->take(bytes));
  auto memory = HugeBuffer::allocate(bytes);
  if (!memory) {
    budget->give_back(bytes);
    return std::unexpected(std::move(memory).error());
  }
  return std::unique_ptr<DeviceBuffer>(new DeviceBuffer(std::move(*memory), std::move(budget)));
}

DeviceBuffer::~DeviceBuffer() { budget_->give_back(memory_.size()); }

Status DeviceBuffer::check(size_t offset, size_t size) const {
  if (offset % kTransferAlignment != 0) {
    return fail(ErrorCode::kInvalidArgument,
                "a transfer at " + std::to_string(offset) + " does not start at a multiple of 64");
  }
  if (offset > memory_.size() || size > memory_.size() - offset) {
    return fail(ErrorCode::kOutOfRange, "a transfer past the end of a buffer of " +
                                            std::to_string(memory_.size()) + " bytes");
  }
  return {};
}

Status DeviceBuffer::write(size_t offset, std::span<const std::byte> from) {
  TENWATT_TRY(check(offset, from.size()));
  if (!from.empty()) std::memcpy(memory_.data() + offset, from.data(), from.size());
  return {};
}

Status DeviceBuffer::read(size_t offset, std::span<std::byte> to) const {
  TENWATT_TRY(check(offset, to.size()));
  if (!to.empty()) std::memcpy(to.data(), memory_.data() + offset, to.size());
  return {};
}

}  // namespace tenwatt::simnpu
