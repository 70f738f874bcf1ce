// Tensors: sizes, sharing and refusals.
#include "numbers/tensor.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tenwatt {
namespace {

TEST(Shapes, CountAndPrint) {
  EXPECT_EQ(elements(Shape{}), 1);
  EXPECT_EQ(elements(Shape{2, 0, 3}), 0);
  EXPECT_EQ(to_string(Shape{1, 80, 3000}), "[1, 80, 3000]");
  EXPECT_EQ(checked_elements(Shape{3, 4}), 12);
}

TEST(Shapes, NegativeAndOverflowingExtentsAreErrors) {
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(checked_elements(Shape{2, -1}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(checked_elements(Shape{huge, 2}).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(checked_elements(Shape{0, huge, 2}).error().code, ErrorCode::kOutOfRange);
  EXPECT_FALSE(Tensor::create(Format::kF64, {huge / 4}));
}

TEST(Create, IsZeroedAndAlignedAtEverySize) {
  for (const int64_t count : {1, 1000, 20'000, 600'000}) {
    const Tensor tensor = Tensor::create(Format::kF32, {count}).value();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes().data()) % 64, 0u);
    for (const float value : tensor.values<float>()) ASSERT_EQ(value, 0);
  }
}

TEST(Create, EmptyTensorsAreTensors) {
  const Tensor tensor = Tensor::create(Format::kI64, {2, 0}).value();
  EXPECT_TRUE(tensor.defined());
  EXPECT_EQ(tensor.count(), 0);
  EXPECT_TRUE(tensor.values<int64_t>().empty());
  EXPECT_EQ(tensor.to_f32().value().shape(), (Shape{2, 0}));
  EXPECT_EQ(tensor.clone().shape(), (Shape{2, 0}));
}

TEST(Create, BlocksMustFillEachRow) {
  EXPECT_TRUE(Tensor::create(Format::kQ4_0, {3, 64}));
  EXPECT_FALSE(Tensor::create(Format::kQ4_0, {64, 3}));
  EXPECT_FALSE(Tensor::create(Format::kQ4_0, {}));
}

TEST(Create, MoreThanTheMachineHasIsAnError) {
  const Result<Tensor> tensor = Tensor::create(Format::kF32, {int64_t{1} << 60});
  ASSERT_FALSE(tensor);
  EXPECT_EQ(tensor.error().code, ErrorCode::kOutOfMemory);
}

TEST(Wrap, NeedsExactlyTheBytesAndKeepsTheOwner) {
  auto owner = std::make_shared<std::vector<float>>(6, 2.0f);
  const auto bytes = std::as_bytes(std::span(*owner));
  const Tensor tensor = Tensor::wrap(Format::kF32, {2, 3}, bytes, owner).value();
  EXPECT_EQ(owner.use_count(), 2);
  EXPECT_EQ(tensor.bytes().data(), bytes.data());
  EXPECT_FALSE(Tensor::wrap(Format::kF32, {2, 2}, bytes, owner));
  EXPECT_FALSE(Tensor::wrap(Format::kF32, {2, 4}, bytes, owner));
}

TEST(Reshaped, SharesTheBytes) {
  const Tensor tensor = Tensor::of<int32_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor other = tensor.reshaped({3, 2}).value();
  EXPECT_EQ(other.bytes().data(), tensor.bytes().data());
  EXPECT_EQ(other.shape(), (Shape{3, 2}));
  EXPECT_FALSE(tensor.reshaped({4, 2}));
}

TEST(ToF32, ConvertsByValueAndSharesF32) {
  const Tensor integers = Tensor::of<int64_t>({-1, 7}, {2});
  const Tensor floats = integers.to_f32().value();
  EXPECT_EQ(floats.values<float>()[0], -1);
  EXPECT_EQ(floats.values<float>()[1], 7);
  EXPECT_EQ(floats.to_f32().value().bytes().data(), floats.bytes().data());
}

TEST(Clone, IsIndependent) {
  const Tensor tensor = Tensor::of<float>({1, 2}, {2});
  Tensor copy = tensor.clone();
  copy.mutable_values<float>()[0] = 9;
  EXPECT_EQ(tensor.values<float>()[0], 1);
}

}  // namespace
}  // namespace tenwatt
