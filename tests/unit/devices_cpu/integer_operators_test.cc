// Quantised operators on the CPU device against the reference interpreter, at every level: integer
// results are equal, float results of the same exact sums are within rounding.
#include "device_support.h"

namespace tenwatt::cpu::testing {
namespace {

constexpr double kExactly = 0;
constexpr double kRounding = 2e-6;

template <class T>
Tensor bytes(std::mt19937& random, Shape shape) {
  Tensor tensor = Tensor::create(format_of<T>(), std::move(shape)).value();
  for (T& value : tensor.mutable_values<T>()) value = static_cast<T>(random());
  return tensor;
}

/// Largest difference in steps of an 8-bit result: a real between two steps may go either way.
double steps_apart(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.format() != b.format()) return 1e9;
  const auto number = [](const Tensor& tensor, size_t i) {
    if (tensor.format() == Format::kI8) return static_cast<int>(tensor.values<int8_t>()[i]);
    return static_cast<int>(tensor.values<uint8_t>()[i]);
  };
  double worst = 0;
  for (size_t i = 0; i < a.bytes().size(); ++i)
    worst = std::max<double>(worst, std::abs(number(a, i) - number(b, i)));
  return worst;
}

std::string kernel_of(const std::string& op, std::vector<Tensor> inputs,
                      std::vector<Tensor> constants, graph::Builder::Attributes attributes = {}) {
  graph::Graph graph;
  graph::Builder build(graph);
  std::vector<graph::ValueId> ids;
  for (size_t i = 0; i < inputs.size(); ++i)
    ids.push_back(build.input("x" + std::to_string(i), inputs[i].format(),
                              {inputs[i].shape().begin(), inputs[i].shape().end()}));
  for (const Tensor& constant : constants) ids.push_back(build.constant("", constant));
  build.output(build.node(op, "y", ids, attributes));
  EXPECT_TRUE(build.finish());
  Loaded loaded = load_on_cpu(graph);
  const auto claims = loaded.device->claim(graph, devices::Precision::kExact);
  return std::get<devices::Yes>(claims.at(0)).kernel;
}

TEST(IntegerOperators, QuantiseAndBackOfEveryGranularity) {
  std::mt19937 random(1);
  const Tensor x = random_tensor(random, {3, 5, 34}, -20, 20);
  expect_node({"QuantizeLinear", {x}, {Tensor::scalar(0.11f), Tensor::scalar<uint8_t>(131)}},
              kExactly);
  expect_node({"QuantizeLinear", {x}, {Tensor::scalar(0.003f), Tensor::scalar<int16_t>(-7)}},
              kExactly);
  expect_node({"QuantizeLinear", {x}, {Tensor::scalar(0.11f)}}, kExactly);
  for (const int64_t axis : {0, 1, 2, -1}) {
    const int64_t extent = x.shape()[static_cast<size_t>(axis < 0 ? axis + 3 : axis)];
    const Tensor scale = random_tensor(random, {extent}, 0.05f, 0.2f);
    const Tensor zero = bytes<int8_t>(random, {extent});
    expect_node({"QuantizeLinear", {x}, {scale, zero}, {{"axis", axis}}}, kExactly);
    expect_node(
        {"DequantizeLinear", {bytes<int8_t>(random, x.shape())}, {scale, zero}, {{"axis", axis}}},
        kRounding);
  }
  const Tensor blocked = random_tensor(random, {3, 3, 34}, 0.05f, 0.2f);
  expect_node({"QuantizeLinear",
               {x},
               {blocked, bytes<uint8_t>(random, {3, 3, 34})},
               {{"axis", int64_t{1}}, {"block_size", int64_t{2}}}},
              kExactly);
  const Tensor wide = random_tensor(random, {20000}, -20, 20);
  expect_node({"QuantizeLinear", {wide}, {Tensor::scalar(0.1f), Tensor::scalar<int8_t>(3)}},
              kExactly);
}

TEST(IntegerOperators, DequantisesWholeBiases) {
  const Tensor x = Tensor::of<int32_t>({-70000, 0, 5, 123456}, {4});
  expect_node(
      {"DequantizeLinear",
       {x},
       {Tensor::of<float>({0.1f, 1e-5f, 2, 3e-4f}, {4}), Tensor::of<int32_t>({0, 0, 0, 0}, {4})},
       {{"axis", int64_t{0}}}},
      kRounding);
}

TEST(IntegerOperators, DynamicRanges) {
  std::mt19937 random(2);
  for (const auto& [low, high] : {std::pair{-2.0f, 3.0f}, std::pair{1.0f, 3.0f},
                                  std::pair{0.0f, 0.0f}, std::pair{-3.0f, -1.0f}}) {
    expect_node({"DynamicQuantizeLinear", {random_tensor(random, {9, 1111}, low, high)}, {}, {}, 3},
                kExactly);
  }
}

TEST(IntegerOperators, MatMulIntegerOfConstantsAndActivations) {
  std::mt19937 random(3);
  const Tensor a = bytes<uint8_t>(random, {2, 19, 70});
  const Tensor w = bytes<int8_t>(random, {70, 37});
  const Tensor zeros = bytes<int8_t>(random, {37});
  expect_node({"MatMulInteger", {a}, {w}}, kExactly);
  expect_node({"MatMulInteger", {a}, {w, Tensor::scalar<uint8_t>(131), zeros}}, kExactly);
  expect_node({"MatMulInteger", {a, w}, {Tensor::scalar<uint8_t>(131), zeros}}, kExactly);
  expect_node({"MatMulInteger",
               {bytes<int8_t>(random, {2, 3, 40, 30}), bytes<uint8_t>(random, {3, 30, 50})},
               {Tensor::scalar<int8_t>(-4), Tensor::scalar<uint8_t>(17)}},
              kExactly);
}

TEST(IntegerOperators, QLinearMatMulOfEveryResult) {
  std::mt19937 random(4);
  const Tensor a = bytes<uint8_t>(random, {3, 20, 70});
  const Tensor w = bytes<int8_t>(random, {70, 37});
  const Tensor a_scale = Tensor::scalar(0.02f);
  const Tensor a_zero = Tensor::scalar<uint8_t>(120);
  const Tensor scales = random_tensor(random, {37}, 0.001f, 0.01f);
  const Tensor zeros = bytes<int8_t>(random, {37});
  const std::vector<Tensor> product = {a_scale, a_zero, w, scales, zeros};
  expect_node({"QLinearMatMul", {a}, product}, kRounding);
  for (const Tensor& zero : {Tensor::scalar<uint8_t>(100), Tensor::scalar<int8_t>(-9)}) {
    std::vector<Tensor> rounded = product;
    rounded.push_back(Tensor::scalar(0.05f));
    rounded.push_back(zero);
    expect_node({"QLinearMatMul", {a}, rounded}, 1, steps_apart);
    rounded.push_back(random_tensor(random, {37}));
    expect_node({"QLinearMatMul", {a}, rounded}, 1, steps_apart);
  }
}

TEST(IntegerOperators, EmptySumsAreZero) {
  std::mt19937 random(8);
  expect_node(
      {"MatMulInteger", {bytes<uint8_t>(random, {3, 0}), bytes<int8_t>(random, {0, 5})}, {}},
      kExactly);
  expect_node({"MatMulInteger", {bytes<uint8_t>(random, {0, 4})}, {bytes<int8_t>(random, {4, 5})}},
              kExactly);
}

TEST(IntegerOperators, OneRowIsSharedByPanels) {
  std::mt19937 random(5);
  expect_node(
      {"QLinearMatMul",
       {bytes<uint8_t>(random, {1, 600})},
       {Tensor::scalar(0.02f), Tensor::scalar<uint8_t>(120), bytes<int8_t>(random, {600, 301}),
        Tensor::scalar(0.01f), Tensor::scalar<int8_t>(0)}},
      kRounding);
}

TEST(IntegerOperators, ConvolutionsOfEveryGeometry) {
  std::mt19937 random(6);
  const auto ints = [](std::initializer_list<int64_t> values) {
    return std::vector<int64_t>(values);
  };
  const Tensor x = bytes<uint8_t>(random, {2, 6, 50});
  const Tensor zero = Tensor::scalar<uint8_t>(77);
  expect_node(
      {"ConvInteger", {x}, {bytes<int8_t>(random, {9, 6, 3}), zero}, {{"pads", ints({1, 2})}}},
      kExactly);
  expect_node({"ConvInteger",
               {x},
               {bytes<int8_t>(random, {10, 3, 4}), zero, bytes<int8_t>(random, {10})},
               {{"group", int64_t{2}}, {"strides", ints({2})}, {"dilations", ints({3})}}},
              kExactly);
  expect_node({"ConvInteger",
               {bytes<int8_t>(random, {1, 4, 9, 11})},
               {bytes<uint8_t>(random, {5, 4, 3, 2})},
               {{"auto_pad", std::string("SAME_UPPER")}, {"strides", ints({2, 1})}}},
              kExactly);
  const Tensor w = bytes<int8_t>(random, {33, 6, 3});
  const std::vector<Tensor> product = {Tensor::scalar(0.02f), zero, w,
                                       random_tensor(random, {33}, 0.001f, 0.01f),
                                       bytes<int8_t>(random, {33})};
  expect_node({"QLinearConv", {x}, product, {{"pads", ints({1, 1})}}}, kRounding);
  std::vector<Tensor> rounded = product;
  rounded.push_back(Tensor::scalar(0.05f));
  rounded.push_back(Tensor::scalar<uint8_t>(3));
  rounded.push_back(Tensor::of<int32_t>(std::vector<int32_t>(33, -1234), {33}));
  expect_node({"QLinearConv", {x}, rounded, {{"pads", ints({1, 1})}}}, 1, steps_apart);
}

TEST(IntegerOperators, ClaimsNameTheIntegerKernels) {
  std::mt19937 random(7);
  const std::string matmul =
      kernel_of("MatMulInteger", {bytes<uint8_t>(random, {4, 8})}, {bytes<int8_t>(random, {8, 8})});
  EXPECT_TRUE(matmul.starts_with("integer_product")) << matmul;
  const std::string conv = kernel_of("ConvInteger", {bytes<uint8_t>(random, {1, 4, 8})},
                                     {bytes<int8_t>(random, {8, 4, 3})});
  EXPECT_TRUE(conv.starts_with("integer_convolution")) << conv;
}

}  // namespace
}  // namespace tenwatt::cpu::testing
