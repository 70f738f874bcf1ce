// Arrays keep their element type: what was put in comes out, and nothing is read as another type.
#include "tenwatt/array.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace tenwatt {
namespace {

template <class T>
void expect_round_trip(const std::vector<T>& values) {
  const auto array = make_array<T>({static_cast<int64_t>(values.size())}, values);
  ASSERT_TRUE(array) << array.error().message;
  const auto back = array_values<T>(*array);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::vector<T>(back->begin(), back->end()), values) << array->type;

  const auto path = std::filesystem::temp_directory_path() /
                    ("tenwatt-array-" + std::to_string(getpid()) + ".npy");
  ASSERT_TRUE(write_npy(path.string(), *array)) << array->type;
  const auto read = read_npy(path.string());
  std::filesystem::remove(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->type, array->type);
  EXPECT_EQ(read->shape, array->shape);
  EXPECT_EQ(read->bytes, array->bytes);
}

TEST(Array, EveryElementTypeComesBackFromMemoryAndFromAFile) {
  expect_round_trip<float>({0, -1.5F, 3e38F});
  expect_round_trip<double>({0, -1.5, 1e300});
  expect_round_trip<int8_t>({0, -128, 127});
  expect_round_trip<int16_t>({0, -32768, 32767});
  expect_round_trip<int32_t>({0, INT32_MIN, INT32_MAX});
  expect_round_trip<int64_t>({0, INT64_MIN, INT64_MAX});
  expect_round_trip<uint8_t>({0, 255});
  expect_round_trip<uint16_t>({0, 65535});
  expect_round_trip<uint32_t>({0, UINT32_MAX});
  expect_round_trip<uint64_t>({0, UINT64_MAX});
}

TEST(Array, ABooleanIsOneByte) {
  const bool values[] = {true, false, true};
  const auto array = make_array<bool>({3}, values);
  ASSERT_TRUE(array);
  EXPECT_EQ(array->type, "bool");
  EXPECT_EQ(array->bytes, (std::vector<std::byte>{std::byte{1}, std::byte{0}, std::byte{1}}));
}

TEST(Array, AnEmptyShapeHoldsOneElement) {
  const int64_t rate = 16000;
  const auto array = make_array<int64_t>({}, std::span(&rate, 1));
  ASSERT_TRUE(array);
  EXPECT_EQ(array_values<int64_t>(*array)->front(), 16000);
}

TEST(Array, AShapeOfAnotherSizeIsRefused) {
  const std::vector<float> values(6);
  EXPECT_TRUE(make_array<float>({2, 3}, values));
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {}, {7}, {2, 2}, {-2, -3}, {INT64_MAX, INT64_MAX}, {6, 0}}) {
    const auto array = make_array<float>(shape, values);
    ASSERT_FALSE(array) << ::testing::PrintToString(shape);
    EXPECT_EQ(array.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Array, NothingIsReadAsAnotherType) {
  const std::vector<float> values(2);
  const auto array = make_array<float>({2}, values);
  ASSERT_TRUE(array);
  const auto wrong = array_values<int32_t>(*array);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("f32"), std::string::npos) << wrong.error().message;
}

}  // namespace
}  // namespace tenwatt
