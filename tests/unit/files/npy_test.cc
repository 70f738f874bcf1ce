// .npy: files as NumPy writes them (header text taken from numpy 2.x), and back.
#include "files/npy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::TemporaryFolder;

std::string npy(const std::string& header, const std::string& data) {
  std::string text = header + std::string((128 - 10 - header.size() - 1) % 64, ' ') + "\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(text.size()) + '\0' + text + data;
}

const std::string kPair = npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }",
                              std::string("\1\0\0\0\xff\xff\xff\xff", 8));

Result<Tensor> read(const std::string& content) {
  const TemporaryFolder folder;
  return read_npy(folder.write("x.npy", content));
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const Tensor tensor = read(kPair).value();
  EXPECT_EQ(tensor.format(), Format::kI32);
  EXPECT_EQ(tensor.shape(), Shape{2});
  EXPECT_EQ(tensor.values<int32_t>()[1], -1);
  const Tensor scalar =
      read(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", std::string(8, '\0')))
          .value();
  EXPECT_EQ(scalar.rank(), 0);
}

TEST(Npy, WritesTheHeaderOfNumpyToTheByte) {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.npy");
  ASSERT_TRUE(write_npy(path, Tensor::of<int32_t>({1, -1}, {2})));
  std::ifstream file(path, std::ios::binary);
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(written.substr(10, 57), kPair.substr(10, 57));
  EXPECT_EQ((written.size() - 8) % 64, 0u) << "the data is aligned";
}

TEST(Npy, EveryFormatAndRankComesBack) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.npy");
  for (const FormatInfo& row : all_formats()) {
    if (row.encode == nullptr) continue;
    for (const Shape& shape : {Shape{}, Shape{64}, Shape{2, 32}, Shape{3, 0, 32}}) {
      if (row.kind == FormatKind::kBlock && shape.empty()) continue;
      Tensor tensor = Tensor::create(row.format, shape).value();
      std::vector<float> values(static_cast<size_t>(tensor.count()));
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 2);
      row.encode(values, tensor.mutable_bytes());
      ASSERT_TRUE(write_npy(path, tensor)) << row.name;
      const Tensor back = read_npy(path).value();
      const bool foreign = row.kind == FormatKind::kBlock || row.format == Format::kBF16;
      EXPECT_EQ(back.format(), foreign ? Format::kF32 : row.format);
      EXPECT_EQ(back.shape(), shape);
      const Tensor decoded = back.to_f32().value();
      EXPECT_TRUE(
          std::ranges::equal(decoded.values<float>(), tensor.to_f32().value().values<float>()))
          << row.name;
    }
  }
}

TEST(Npy, RefusesWhatItCannotRead) {
  const auto code = [](const std::string& header) {
    return read(npy(header, std::string(64, '\0'))).error().code;
  };
  EXPECT_EQ(code("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }"),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }"),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }"),
            ErrorCode::kUnsupported);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }"),
            ErrorCode::kCorrupt);
  EXPECT_EQ(code("{'descr': '<f4', 'fortran_order': False, 'shape': (99,), }"),
            ErrorCode::kCorrupt);
  EXPECT_EQ(read("no array").error().code, ErrorCode::kCorrupt);
}

TEST(Npy, BoolBytesAreRepaired) {
  const Tensor tensor =
      read(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\1\2\3")).value();
  for (const std::byte value : tensor.bytes()) EXPECT_EQ(value, std::byte{1});
}

}  // namespace
}  // namespace tenwatt::files
