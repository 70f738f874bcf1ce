// Every operator family of the CPU device against the reference interpreter, on shapes with
// broadcasts, tails and empty extents, at every level that this machine has.
#include <algorithm>

#include "device_support.h"

namespace tenwatt::cpu::testing {
namespace {

using graph::Attribute;

constexpr double kExactly = 0;
constexpr double kRounding = 2e-5;
/// int8 activations, of the root mean square: half a step of 127 in the largest of 32.
constexpr double kQuantised = 0.015;

std::vector<int64_t> ints(std::initializer_list<int64_t> values) { return values; }

Tensor i64s(std::initializer_list<int64_t> values) {
  return Tensor::of<int64_t>(values, {static_cast<int64_t>(values.size())});
}

TEST(Operators, EveryRowHasAReferenceKernel) {
  for (std::string_view op : lowered_operators()) {
    EXPECT_NE(graph::reference_kernel(op), nullptr) << op;
  }
}

TEST(Operators, BinaryBroadcastsLikeTheReference) {
  std::mt19937 random(1);
  const std::pair<Shape, Shape> kShapes[] = {
      {{1, 7, 33}, {1, 7, 33}},
      {{1, 7, 33}, {1, 7, 1}},
      {{1, 7, 33}, {33}},
      {{1, 7, 33}, {}},
      {{}, {5, 3}},
      {{2, 1, 5}, {1, 4, 1}},
      {{3, 1, 2, 1}, {1, 4, 1, 5}},
      {{0, 4}, {1, 4}},
      {{1, 96, 200}, {1, 96, 1}},
      {{9000}, {9000}},
  };
  for (const auto& [a, b] : kShapes) {
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min"}) {
      expect_node({op, {random_tensor(random, a), random_tensor(random, b, 1, 2)}, {}}, kRounding);
    }
  }
}

TEST(Operators, PowersOfPositiveAndSquaredNumbers) {
  std::mt19937 random(2);
  expect_node({"Pow", {random_tensor(random, {5, 40}, 0.1f, 3)}, {Tensor::scalar(0.5f)}}, 1e-4);
  expect_node({"Pow", {random_tensor(random, {5, 40})}, {Tensor::scalar(2.0f)}}, kRounding);
}

TEST(Operators, UnaryFunctions) {
  std::mt19937 random(3);
  for (const char* op :
       {"Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Gelu", "LeakyRelu", "Neg", "Reciprocal",
        "Relu", "Round", "Sigmoid", "Silu", "Sin", "Softplus", "Tanh"}) {
    expect_node({op, {random_tensor(random, {3, 171})}, {}}, 1e-4);
  }
  for (const char* op : {"Log", "Sqrt"}) {
    expect_node({op, {random_tensor(random, {3, 171}, 0.01f, 9)}, {}}, kRounding);
  }
  expect_node({"LeakyRelu", {random_tensor(random, {20000})}, {}, {{"alpha", 0.1f}}}, kRounding);
  expect_node(
      {"Clip", {random_tensor(random, {3, 171})}, {Tensor::scalar(-0.5f), Tensor::scalar(0.75f)}},
      kExactly);
}

TEST(Operators, ComparisonsAndSelection) {
  std::mt19937 random(4);
  const Tensor a = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Tensor b = Tensor::of<float>({3, 2, 1}, {3});
  for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
    expect_node({op, {a, b}, {}}, kExactly);
  }
  Tensor condition = Tensor::create(Format::kBool, {1, 5, 1}).value();
  for (size_t i = 0; i < 5; ++i) condition.mutable_bytes()[i] = std::byte(i % 2);
  expect_node(
      {"Where", {condition, random_tensor(random, {2, 5, 7}), random_tensor(random, {})}, {}},
      kExactly);
  expect_node({"Where", {condition, i64s({1, 2, 3}), i64s({-1})}, {}}, kExactly);
}

TEST(Operators, CastsThroughHalfFloats) {
  std::mt19937 random(5);
  const Tensor x = random_tensor(random, {3, 77});
  expect_node({"Cast", {encoded(x, Format::kF16)}, {}, {{"to", int64_t{1}}}}, kExactly);
  expect_node({"Cast", {x}, {}, {{"to", int64_t{10}}}}, kExactly);
  expect_node({"Cast", {x}, {}, {{"to", int64_t{7}}}}, kExactly);
}

TEST(Operators, TransposesOfEveryOrder) {
  std::mt19937 random(6);
  std::vector<int64_t> order = {0, 1, 2, 3};
  do {
    expect_node({"Transpose", {random_tensor(random, {2, 3, 5, 4})}, {}, {{"perm", order}}},
                kExactly);
  } while (std::ranges::next_permutation(order).found);
  expect_node({"Transpose", {random_tensor(random, {1, 96, 133})}, {}, {{"perm", ints({0, 2, 1})}}},
              kExactly);
}

TEST(Operators, ConcatAndSplitOnEveryAxis) {
  std::mt19937 random(7);
  for (int64_t axis : {0, 1, 2, -1}) {
    Shape other = {2, 3, 4};
    other[static_cast<size_t>(axis < 0 ? axis + 3 : axis)] = 5;
    expect_node({"Concat",
                 {random_tensor(random, {2, 3, 4}), random_tensor(random, other)},
                 {},
                 {{"axis", axis}}},
                kExactly);
  }
  for (int64_t axis : {0, 1, 2}) {
    Shape shape = {3, 3, 3};
    shape[static_cast<size_t>(axis)] = 7;
    expect_node({"Split", {random_tensor(random, shape)}, {i64s({2, 4, 1})}, {{"axis", axis}}, 3},
                kExactly);
  }
}

TEST(Operators, SlicesForwardsBackwardsAndEmpty) {
  std::mt19937 random(8);
  const Tensor x = random_tensor(random, {4, 9, 5});
  expect_node({"Slice", {x}, {i64s({1}), i64s({3}), i64s({0})}}, kExactly);
  expect_node({"Slice", {x}, {i64s({2, -4}), i64s({9, 99}), i64s({1, 2}), i64s({3, 1})}}, kExactly);
  expect_node({"Slice", {x}, {i64s({-1}), i64s({-100}), i64s({1}), i64s({-2})}}, kExactly);
  expect_node({"Slice", {x}, {i64s({3}), i64s({2}), i64s({1})}}, kExactly);
}

TEST(Operators, ConstantPadsAndCrops) {
  std::mt19937 random(9);
  const Tensor x = random_tensor(random, {1, 6, 40});
  expect_node({"Pad", {x}, {i64s({0, 0, 3, 0, 0, 2})}}, kExactly);
  expect_node({"Pad", {x}, {i64s({0, 1, -2, 1, 0, 5}), Tensor::scalar(1.5f)}}, kExactly);
  expect_node({"Pad", {x}, {i64s({0, 0, 4, 0, 0, 4})}, {{"mode", std::string("reflect")}}},
              kExactly);
}

TEST(Operators, GatherRowsOfAnyAxis) {
  std::mt19937 random(10);
  for (int64_t axis : {0, 1, 2}) {
    expect_node(
        {"Gather", {random_tensor(random, {4, 5, 6}), i64s({3, -1, 0})}, {}, {{"axis", axis}}},
        kExactly);
  }
  expect_node({"Gather", {random_tensor(random, {4, 5})}, {Tensor::scalar<int64_t>(-2)}}, kExactly);
}

TEST(Operators, ExpandRepeatsAxes) {
  std::mt19937 random(11);
  expect_node({"Expand", {random_tensor(random, {3, 1, 5})}, {i64s({2, 3, 4, 5})}}, kExactly);
  expect_node({"Expand", {random_tensor(random, {3, 1})}, {i64s({1, 1})}}, kExactly);
}

TEST(Operators, RowsOfTheLastAxes) {
  std::mt19937 random(12);
  for (int64_t n : {1, 5, 16, 33, 192, 1000}) {
    expect_node({"Softmax", {random_tensor(random, {3, 2, n})}, {}}, kRounding);
    expect_node({"LayerNormalization",
                 {random_tensor(random, {7, n})},
                 {random_tensor(random, {n}), random_tensor(random, {n})}},
                2e-4);
    expect_node({"RmsNorm",
                 {random_tensor(random, {7, n})},
                 {random_tensor(random, {n})},
                 {{"epsilon", 1e-5f}}},
                kRounding);
    expect_node({"ReduceMean", {random_tensor(random, {3, n, 2})}, {}, {{"axes", ints({1, 2})}}},
                kRounding);
    expect_node({"ReduceMax", {random_tensor(random, {3, n})}, {}, {{"axes", ints({-1})}}},
                kExactly);
  }
  expect_node({"Softmax", {random_tensor(random, {3, 4, 5})}, {}, {{"axis", int64_t{1}}}},
              kRounding);
  expect_node({"ReduceSum", {random_tensor(random, {3, 4, 5})}, {i64s({1})}}, kRounding);
}

TEST(Operators, ProductsWithConstantsAndOfActivations) {
  std::mt19937 random(13);
  for (const auto& [m, k, n] : {std::tuple{1, 5, 3}, {7, 64, 33}, {40, 96, 130}, {3, 0, 4}}) {
    expect_node({"MatMul", {random_tensor(random, {m, k})}, {random_tensor(random, {k, n})}},
                kRounding);
    expect_node(
        {"MatMul", {random_tensor(random, {2, m, k}), random_tensor(random, {1, k, n})}, {}},
        kRounding);
    expect_node({"Gemm",
                 {random_tensor(random, {m, k})},
                 {random_tensor(random, {n, k}), random_tensor(random, {n})},
                 {{"transB", int64_t{1}}}},
                kRounding);
  }
  expect_node({"MatMul",
               {random_tensor(random, {1, 2, 40, 96}), random_tensor(random, {1, 2, 96, 40})},
               {}},
              kRounding);
  expect_node(
      {"Gemm", {random_tensor(random, {4, 6})}, {random_tensor(random, {6, 5})}, {{"alpha", 0.5f}}},
      kRounding);
}

TEST(Operators, LinearOfEveryWeightFormat) {
  std::mt19937 random(14);
  const Tensor w = random_tensor(random, {50, 96}, -1, 1);
  for (Format format : {Format::kF32, Format::kF16, Format::kBF16}) {
    for (int64_t rows : {1, 2, 17, 120}) {
      expect_node({"Linear",
                   {random_tensor(random, {rows, 96})},
                   {encoded(w, format), random_tensor(random, {50})}},
                  kRounding);
    }
  }
  for (Format format : {Format::kQ4_0, Format::kQ4_1, Format::kQ8_0}) {
    for (int64_t rows : {1, 2, 17, 120}) {
      expect_node({"Linear",
                   {random_tensor(random, {rows, 96})},
                   {encoded(w, format), random_tensor(random, {50})}},
                  kQuantised, rms_error);
    }
  }
}

TEST(Operators, GatedFeedForwardOfFloatsAndBlocks) {
  std::mt19937 random(15);
  const Tensor gate = random_tensor(random, {160, 64}, -0.3f, 0.3f);
  const Tensor up = random_tensor(random, {160, 64}, -0.3f, 0.3f);
  const Tensor down = random_tensor(random, {64, 160}, -0.3f, 0.3f);
  for (const char* activation : {"silu", "gelu_tanh"}) {
    for (int64_t rows : {1, 3, 70}) {
      const Tensor x = random_tensor(random, {rows, 64});
      const graph::Builder::Attributes attributes = {{"activation", std::string(activation)}};
      expect_node({"GatedFeedForward", {x}, {gate, up, down}, attributes}, 1e-4);
      expect_node(
          {"GatedFeedForward",
           {x},
           {encoded(gate, Format::kQ8_0), encoded(up, Format::kQ8_0), encoded(down, Format::kQ8_0)},
           attributes},
          kQuantised, rms_error);
    }
  }
}

TEST(Operators, ConvolutionsOverTime) {
  std::mt19937 random(16);
  struct Case {
    int64_t in, out, groups, kernel, stride, dilation, pad, times;
  };
  const Case kCases[] = {
      {1, 8, 1, 3, 1, 1, 1, 50},   {24, 17, 1, 7, 1, 3, 9, 300}, {80, 32, 1, 3, 2, 1, 1, 101},
      {16, 24, 4, 5, 1, 2, 4, 70}, {12, 12, 12, 3, 1, 9, 9, 90}, {32, 1, 1, 7, 1, 1, 3, 700},
      {5, 6, 1, 1, 1, 1, 0, 1},
  };
  for (const Case& c : kCases) {
    const graph::Builder::Attributes attributes = {{"group", c.groups},
                                                   {"strides", ints({c.stride})},
                                                   {"dilations", ints({c.dilation})},
                                                   {"pads", ints({c.pad, c.pad})}};
    for (int64_t batch : {1, 2}) {
      expect_node({"Conv",
                   {random_tensor(random, {batch, c.in, c.times})},
                   {random_tensor(random, {c.out, c.in / c.groups, c.kernel}),
                    random_tensor(random, {c.out})},
                   attributes},
                  1e-4);
    }
  }
}

TEST(Operators, TransposedConvolutions) {
  std::mt19937 random(17);
  for (const auto& [in, out, kernel, stride, pad] :
       {std::tuple{16, 9, 16, 8, 4}, {3, 8, 4, 2, 1}, {5, 4, 3, 3, 0}, {4, 12, 7, 2, 2}}) {
    const graph::Builder::Attributes attributes = {{"strides", ints({stride})},
                                                   {"pads", ints({pad, pad})}};
    for (int64_t times : {1, 3, 77}) {
      expect_node({"ConvTranspose",
                   {random_tensor(random, {1, in, times})},
                   {random_tensor(random, {in, out, kernel}), random_tensor(random, {out})},
                   attributes},
                  1e-4);
    }
  }
}

TEST(Operators, LstmOfEveryDirection) {
  std::mt19937 random(18);
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    const int64_t d = std::string(direction) == "bidirectional" ? 2 : 1;
    for (const auto& [hidden, batch] : {std::pair{20, 2}, {128, 1}}) {
      const graph::Builder::Attributes attributes = {{"hidden_size", int64_t{hidden}},
                                                     {"direction", std::string(direction)}};
      expect_node({"LSTM",
                   {random_tensor(random, {9, batch, 24})},
                   {random_tensor(random, {d, 4 * hidden, 24}, -0.3f, 0.3f),
                    random_tensor(random, {d, 4 * hidden, hidden}, -0.3f, 0.3f),
                    random_tensor(random, {d, 8 * hidden})},
                   attributes,
                   3},
                  1e-4);
    }
  }
}

TEST(Operators, RotaryEmbeddingOfBothPairings) {
  std::mt19937 random(19);
  for (int64_t interleaved : {0, 1}) {
    expect_node(
        {"RotaryEmbedding",
         {random_tensor(random, {5, 3, 64}), Tensor::of<int32_t>({0, 1, 77, 4095, 9000}, {5})},
         {},
         {{"base", 10000.0f}, {"interleaved", interleaved}}},
        1e-4);
  }
  expect_node({"RotaryEmbedding",
               {random_tensor(random, {2, 3, 64}), Tensor::of<int32_t>({3, 5}, {2})},
               {},
               {{"base", 500.0f}, {"rotary_dim", int64_t{32}}, {"scale", 0.5f}}},
              1e-4);
}

TEST(Operators, CrossAttentionSeesEveryRow) {
  std::mt19937 random(20);
  for (const auto& [tokens, rows] : {std::pair{1, 150}, {40, 40}, {3, 1}, {130, 64}}) {
    expect_node({"CrossAttention",
                 {random_tensor(random, {tokens, 4, 32}), random_tensor(random, {rows, 4, 32}),
                  random_tensor(random, {rows, 4, 32})},
                 {},
                 {{"scale", 0.17f}}},
                1e-4);
  }
}

TEST(Operators, AttentionWithoutStatesIsCausal) {
  std::mt19937 random(21);
  for (int64_t tokens : {1, 17, 200}) {
    expect_node({"Attention",
                 {random_tensor(random, {tokens, 6, 32}), random_tensor(random, {tokens, 2, 32}),
                  random_tensor(random, {tokens, 2, 32})},
                 {},
                 {{"scale", 0.17f}}},
                1e-4);
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
