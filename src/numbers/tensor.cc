// Where a tensor's bytes live: small ones on the heap, large ones in huge pages, and wrapped ones
// wherever their owner has them.
#include "numbers/tensor.h"

#include <cstring>
#include <new>

#include "base/memory.h"

namespace tenwatt {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLarge = size_t{64} << 10;  // from here on memory is mapped

struct AlignedDelete {
  void operator()(std::byte* bytes) const {
    ::operator delete(bytes, std::align_val_t{kAlignment});
  }
};

struct Memory {
  std::byte* data = nullptr;
  std::shared_ptr<const void> owner;
};

Result<Memory> allocate_zeroed(size_t size) {
  if (size == 0) return Memory{};
  if (size >= kLarge) {
    auto buffer = std::make_shared<HugeBuffer>(TENWATT_TRY(HugeBuffer::allocate(size)));
    std::byte* data = buffer->data();
    return Memory{data, std::move(buffer)};
  }
  void* memory = ::operator new(size, std::align_val_t{kAlignment}, std::nothrow);
  if (memory == nullptr) {
    return fail(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(size) + " bytes");
  }
  std::memset(memory, 0, size);
  auto* data = static_cast<std::byte*>(memory);
  return Memory{data, std::shared_ptr<std::byte>(data, AlignedDelete{})};
}

// Blocks lie along the last axis, so each row must hold whole ones.
Result<size_t> checked_bytes(Format format, std::span<const int64_t> shape) {
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  const FormatInfo& row = info(format);
  if (row.block > 1 && (shape.empty() || shape.back() % row.block != 0)) {
    return fail(ErrorCode::kInvalidArgument,
                "the last axis of " + to_string(shape) + " doesn't fill whole blocks of " +
                    std::to_string(row.block) + " (" + std::string(row.name) + ")");
  }
  return storage_bytes(format, count);
}

}  // namespace

int64_t elements(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

Result<int64_t> checked_elements(std::span<const int64_t> shape) {
  // Zero extents make the product zero but must not hide an overflow of the others: strides of an
  // empty tensor are products too.
  int64_t count = 1;
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) {
      return fail(ErrorCode::kInvalidArgument, "a negative extent in " + to_string(shape));
    }
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(count, extent, &count)) {
      return fail(ErrorCode::kOutOfRange,
                  "the element count of " + to_string(shape) + " overflows");
    }
  }
  return empty ? 0 : count;
}

std::string to_string(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

Result<Tensor> Tensor::create(Format format, Shape shape) {
  Tensor tensor;
  tensor.size_ = TENWATT_TRY(checked_bytes(format, shape));
  Memory memory = TENWATT_TRY(allocate_zeroed(tensor.size_));
  tensor.format_ = format;
  tensor.shape_ = std::move(shape);
  tensor.data_ = memory.data;
  tensor.owner_ = std::move(memory.owner);
  return tensor;
}

Result<Tensor> Tensor::wrap(Format format, Shape shape, std::span<const std::byte> bytes,
                            std::shared_ptr<const void> owner) {
  const size_t size = TENWATT_TRY(checked_bytes(format, shape));
  if (size != bytes.size()) {
    return fail(ErrorCode::kInvalidArgument,
                std::string(info(format).name) + " " + to_string(shape) + " takes " +
                    std::to_string(size) + " bytes, not " + std::to_string(bytes.size()));
  }
  Tensor tensor;
  tensor.format_ = format;
  tensor.shape_ = std::move(shape);
  tensor.data_ = bytes.data();
  tensor.size_ = size;
  tensor.owner_ = std::move(owner);
  return tensor;
}

Result<Tensor> Tensor::reshaped(Shape shape) const {
  Result<Tensor> other = wrap(format_, std::move(shape), bytes(), owner_);
  if (!other) return fail_in("reshaping " + to_string(shape_), std::move(other).error());
  return other;
}

Result<Tensor> Tensor::to_f32() const {
  if (format_ == Format::kF32) return *this;
  Tensor tensor = TENWATT_TRY(create(Format::kF32, shape_));
  info(format_).decode(bytes(), tensor.mutable_values<float>());
  return tensor;
}

Tensor Tensor::clone() const {
  Tensor tensor = create(format_, shape_).value();
  if (size_ > 0) std::memcpy(tensor.mutable_bytes().data(), data_, size_);
  return tensor;
}

}  // namespace tenwatt
