#include "numbers/onnx_types.h"

#include <gtest/gtest.h>

namespace tenwatt {
namespace {

TEST(OnnxTypes, NumbersAreThoseOfOnnxsDefinition) {
  // TensorProto.DataType of onnx.proto.
  EXPECT_EQ(format_of_onnx(1).value(), Format::kF32);
  EXPECT_EQ(format_of_onnx(3).value(), Format::kI8);
  EXPECT_EQ(format_of_onnx(7).value(), Format::kI64);
  EXPECT_EQ(format_of_onnx(9).value(), Format::kBool);
  EXPECT_EQ(format_of_onnx(10).value(), Format::kF16);
  EXPECT_EQ(format_of_onnx(11).value(), Format::kF64);
  EXPECT_EQ(format_of_onnx(16).value(), Format::kBF16);
}

TEST(OnnxTypes, WhatHasNoFormatIsNamed) {
  const std::pair<int64_t, std::string> refused[] = {{8, "string"},        {14, "complex64"},
                                                     {17, "float8e4m3fn"}, {22, "int4"},
                                                     {-1, "-1"},           {1000, "1000"}};
  for (const auto& [number, name] : refused) {
    const auto format = format_of_onnx(number);
    ASSERT_FALSE(format) << number;
    EXPECT_EQ(format.error().code, ErrorCode::kUnsupported);
    EXPECT_TRUE(format.error().message.ends_with(name)) << format.error().message;
  }
}

}  // namespace
}  // namespace tenwatt
