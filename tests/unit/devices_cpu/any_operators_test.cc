// The operators in every type, axis and form, against the reference interpreter at every level of
// this machine, and none of their steps on a reference kernel.
#include <algorithm>

#include "device_support.h"

namespace tenwatt::cpu::testing {
namespace {

constexpr double kExactly = 0;
constexpr double kRounding = 2e-5;

constexpr Format kIntegers[] = {Format::kI8,  Format::kU8,  Format::kI16, Format::kU16,
                                Format::kI32, Format::kU32, Format::kI64, Format::kU64};
constexpr Format kFloats[] = {Format::kF32, Format::kF64, Format::kF16, Format::kBF16};

std::vector<int64_t> ints(std::initializer_list<int64_t> values) { return values; }

Tensor i64s(std::initializer_list<int64_t> values) {
  return Tensor::of<int64_t>(values, {static_cast<int64_t>(values.size())});
}

/// The values of `x` in another format, by the reference's Cast.
Tensor cast(const Tensor& x, Format format) {
  graph::Node node;
  node.op = "Cast";
  node.outputs = {0};
  node.attributes["to"] = std::string(info(format).name);
  const graph::ReferenceInput inputs[] = {x};
  return graph::run_reference(node, inputs).value()[0];
}

/// Small numbers, whole ones for integers.
Tensor numbers(std::mt19937& random, Shape shape, Format format, float low = -5, float high = 5) {
  return cast(random_tensor(random, std::move(shape), low, high), format);
}

/// Largest |a - b| relative to 1 + |b| over any floats; infinite where other formats differ.
double any_error(const Tensor& a, const Tensor& b) {
  if (a.format() != b.format() || a.shape() != b.shape()) {
    return std::numeric_limits<double>::infinity();
  }
  if (info(a.format()).kind != FormatKind::kFloat) return relative_error(a, b);
  return relative_error(cast(a, Format::kF32), cast(b, Format::kF32));
}

/// One unit in the last place of a format, and the rounding of sums.
double bound_of(Format format) {
  if (format == Format::kF16) return 2e-3;
  if (format == Format::kBF16) return 1.6e-2;
  return info(format).kind == FormatKind::kFloat ? kRounding : kExactly;
}

/// As expect_node, and no step may run on a reference kernel.
void expect_own(const OneNode& one, double bound) {
  graph::Graph graph;
  graph::Builder build(graph);
  std::vector<graph::ValueId> ids;
  for (size_t i = 0; i < one.inputs.size(); ++i) {
    const Shape& shape = one.inputs[i].shape();
    ids.push_back(build.input("x" + std::to_string(i), one.inputs[i].format(),
                              graph::Dims(shape.begin(), shape.end())));
  }
  for (size_t i = 0; i < one.constants.size(); ++i) {
    ids.push_back(build.constant("c" + std::to_string(i), one.constants[i]));
  }
  for (graph::ValueId id : build.node(one.op, "y", ids, one.attributes, one.outputs)) {
    build.output(id);
  }
  ASSERT_TRUE(build.finish()) << one.op;
  Loaded loaded = load_on_cpu(graph);
  const auto kernels = loaded.cpu().kernels({});
  ASSERT_TRUE(kernels) << one.op << ": " << kernels.error().message;
  for (const std::string& kernel : *kernels) {
    EXPECT_FALSE(kernel.starts_with("reference")) << kernel << " " << one.inputs[0].shape().size();
  }
  expect_node(one, bound, any_error);
}

TEST(AnyOperators, ArithmeticOfEveryType) {
  std::mt19937 random(31);
  const std::pair<Shape, Shape> kShapes[] = {
      {{3, 1, 17}, {1, 4, 17}}, {{5, 1}, {1, 7}}, {{300}, {1}}, {{}, {}}};
  const auto try_all = [&](Format format, std::initializer_list<const char*> ops) {
    for (const auto& [a, b] : kShapes) {
      for (const char* op : ops) {
        expect_own({op, {numbers(random, a, format), numbers(random, b, format, 1, 9)}, {}},
                   bound_of(format));
      }
    }
  };
  for (Format format : kIntegers) try_all(format, {"Add", "Sub", "Mul", "Div", "Max", "Min"});
  for (Format format : kFloats) try_all(format, {"Add", "Sub", "Mul", "Div", "Max", "Min"});
}

TEST(AnyOperators, IntegersWrapAndTheLowestHasNoNegative) {
  const Tensor low = Tensor::of<int8_t>({-128, -128, 127}, {3});
  const Tensor b = Tensor::of<int8_t>({-1, 1, 127}, {3});
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) expect_own({op, {low, b}, {}}, kExactly);
  for (const char* op : {"Abs", "Neg", "Relu"}) expect_own({op, {low}, {}}, kExactly);
}

TEST(AnyOperators, DividingIntegersByZeroEndsTheRun) {
  graph::Graph graph;
  graph::Builder build(graph);
  const auto a = build.input("a", Format::kI32, {graph::Dim(3)});
  const auto b = build.input("b", Format::kI32, {graph::Dim(3)});
  build.output(build.node("Div", "y", {a, b}, {}, 1)[0]);
  ASSERT_TRUE(build.finish());
  Loaded loaded = load_on_cpu(graph);
  Team team(2);
  const Tensor one = Tensor::of<int32_t>({1, 2, 3}, {3});
  EXPECT_FALSE(run_once(loaded, {{"a", one}, {"b", Tensor::of<int32_t>({1, 0, 3}, {3})}}, team));
  EXPECT_TRUE(run_once(loaded, {{"a", one}, {"b", one}}, team));
}

TEST(AnyOperators, LargestAndSmallestOfAnyNumberOfOperands) {
  std::mt19937 random(32);
  for (Format format : {Format::kF32, Format::kI64, Format::kF16, Format::kU8}) {
    for (const char* op : {"Max", "Min"}) {
      expect_own({op, {numbers(random, {4, 5}, format, 0, 9)}, {}}, kExactly);
      expect_own({op,
                  {numbers(random, {5}, format, 0, 9), numbers(random, {4, 1}, format, 0, 9),
                   numbers(random, {3, 1, 1}, format, 0, 9), numbers(random, {}, format, 0, 9)},
                  {}},
                 kExactly);
    }
  }
}

TEST(AnyOperators, PowersMixTypes) {
  std::mt19937 random(33);
  for (Format base : {Format::kF32, Format::kI32, Format::kI64, Format::kF64, Format::kF16}) {
    for (Format exponent : {Format::kF32, Format::kI32, Format::kI64, Format::kU8}) {
      expect_own({"Pow",
                  {numbers(random, {3, 700}, base, 1, 4), numbers(random, {700}, exponent, 0, 4)},
                  {}},
                 std::max(bound_of(base), base == Format::kI32 || base == Format::kI64 ? 0 : 1e-4));
    }
  }
}

TEST(AnyOperators, ComparisonsOfEveryType) {
  std::mt19937 random(34);
  const auto compare = [&](Format format) {
    for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}) {
      expect_own({op,
                  {numbers(random, {4, 1, 9}, format, 0, 4), numbers(random, {3, 9}, format, 0, 4)},
                  {}},
                 kExactly);
    }
  };
  for (Format format : kIntegers) compare(format);
  for (Format format : kFloats) compare(format);
}

TEST(AnyOperators, Logic) {
  std::mt19937 random(35);
  const Tensor a = numbers(random, {3, 4, 1}, Format::kBool, -1, 1);
  const Tensor truth = cast(Tensor::of<float>({0, 1, 0, 1, 1}, {5}), Format::kBool);
  for (const char* op : {"And", "Or", "Xor", "Equal"}) expect_own({op, {a, truth}, {}}, kExactly);
  expect_own({"Not", {truth}, {}}, kExactly);
}

TEST(AnyOperators, FunctionsOfEveryFloat) {
  std::mt19937 random(36);
  for (Format format : kFloats) {
    for (const char* op :
         {"Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "Gelu", "LeakyRelu", "Log", "Neg",
          "Reciprocal", "Relu", "Round", "Sigmoid", "Sin", "Softplus", "Sqrt", "Tanh"}) {
      expect_own({op, {numbers(random, {3, 41}, format, 0.5f, 3)}, {}},
                 std::max(bound_of(format), 1e-4));
    }
  }
}

TEST(AnyOperators, CastsBetweenAllTypes) {
  std::mt19937 random(37);
  std::vector<Format> formats(std::begin(kIntegers), std::end(kIntegers));
  formats.insert(formats.end(), std::begin(kFloats), std::end(kFloats));
  formats.push_back(Format::kBool);
  for (Format from : formats) {
    for (Format to : formats) {
      expect_own({"Cast",
                  {numbers(random, {5, 13}, from, -300, 300)},
                  {},
                  {{"to", std::string(info(to).name)}}},
                 kExactly);
    }
  }
}

TEST(AnyOperators, ClipsByBoundsOfTheRun) {
  std::mt19937 random(38);
  for (Format format : {Format::kF32, Format::kI8, Format::kI64, Format::kF16, Format::kF64}) {
    const Tensor x = numbers(random, {3, 50}, format);
    const Tensor low = numbers(random, {}, format, -2, -1);
    const Tensor high = numbers(random, {}, format, 1, 2);
    expect_own({"Clip", {x, low, high}, {}}, kExactly);
    expect_own({"Clip", {x, low}, {}}, kExactly);
    expect_own({"Clip", {x, high, low}, {}}, kExactly);  // crossing: all are the upper bound
  }
}

TEST(AnyOperators, ReductionsOverAnyAxes) {
  std::mt19937 random(39);
  const std::vector<std::vector<int64_t>> kAxes = {{0},    {1},    {2},      {0, 1},
                                                   {0, 2}, {1, 2}, {-3, -1}, {0, 1, 2, 3}};
  const auto try_all = [&](Format format, std::initializer_list<const char*> ops) {
    for (const auto& axes : kAxes) {
      for (const char* op : ops) {
        expect_own({op,
                    {numbers(random, {3, 5, 20, 2}, format, -2, 2)},
                    {},
                    {{"axes", axes}, {"keepdims", int64_t{0}}}},
                   10 * bound_of(format));
      }
    }
  };
  for (Format format : kFloats) try_all(format, {"ReduceSum", "ReduceMean", "ReduceMax"});
  for (Format format : {Format::kI32, Format::kI64, Format::kU8, Format::kI8}) {
    try_all(format, {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean"});
  }
  try_all(Format::kBool, {"ReduceMax", "ReduceMin"});
}

TEST(AnyOperators, ReductionsOfNothingGiveTheirNeutralElement) {
  for (const char* op : {"ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"}) {
    for (Format format : {Format::kF32, Format::kI32}) {
      expect_own({op, {Tensor::create(format, {2, 0, 4}).value()}, {i64s({1})}}, kExactly);
    }
  }
}

TEST(AnyOperators, SoftmaxOverAnyAxis) {
  std::mt19937 random(40);
  for (Format format : kFloats) {
    for (int64_t axis : {0, 1, 2, -1}) {
      expect_own({"Softmax", {numbers(random, {3, 40, 5}, format)}, {}, {{"axis", axis}}},
                 bound_of(format));
    }
  }
}

TEST(AnyOperators, LayerNormalizationWithStatisticsAndBroadcastWeights) {
  std::mt19937 random(41);
  for (Format format : {Format::kF32, Format::kF64, Format::kF16}) {
    for (int64_t axis : {0, 1, 2, -1}) {
      const size_t first = static_cast<size_t>(axis < 0 ? axis + 3 : axis);
      const Shape shape = {3, 4, 7};
      const Shape normalised(shape.begin() + static_cast<ptrdiff_t>(first), shape.end());
      const graph::Builder::Attributes attributes = {{"axis", axis}};
      expect_own({"LayerNormalization",
                  {numbers(random, shape, format), numbers(random, normalised, format),
                   numbers(random, normalised, format)},
                  {},
                  attributes,
                  3},
                 std::max(5 * bound_of(format), 2e-4));
      expect_own({"LayerNormalization",
                  {numbers(random, shape, format), numbers(random, {7}, format),
                   numbers(random, {1}, format)},
                  {},
                  attributes},
                 std::max(5 * bound_of(format), 2e-4));
    }
  }
}

TEST(AnyOperators, RunningSumsOverAnyAxis) {
  std::mt19937 random(42);
  for (Format format : {Format::kF32, Format::kF64, Format::kI32, Format::kI64, Format::kF16}) {
    for (int64_t axis : {0, 1, -1}) {
      for (int64_t flags = 0; flags < 4; ++flags) {
        expect_own({"CumSum",
                    {numbers(random, {3, 17, 4}, format), Tensor::scalar<int64_t>(axis)},
                    {},
                    {{"exclusive", flags & 1}, {"reverse", flags >> 1}}},
                   20 * bound_of(format));
      }
    }
  }
}

TEST(AnyOperators, ProductsOfEveryTypeAndRank) {
  std::mt19937 random(43);
  const std::pair<Shape, Shape> kShapes[] = {
      {{7}, {7}},       {{7}, {2, 7, 3}},           {{2, 3, 7}, {7}},
      {{4, 7}, {7, 5}}, {{2, 1, 4, 7}, {3, 7, 70}}, {{3, 0}, {0, 4}}};
  for (Format format : {Format::kF32, Format::kF64, Format::kI32, Format::kU32, Format::kI64,
                        Format::kU64, Format::kF16, Format::kBF16}) {
    for (const auto& [a, b] : kShapes) {
      expect_own({"MatMul", {numbers(random, a, format), numbers(random, b, format)}, {}},
                 10 * bound_of(format));
    }
  }
}

TEST(AnyOperators, GemmOfEveryForm) {
  std::mt19937 random(44);
  for (Format format : {Format::kF32, Format::kF64, Format::kI32, Format::kF16}) {
    for (int64_t flips = 0; flips < 4; ++flips) {
      const Shape a = flips & 1 ? Shape{6, 20} : Shape{20, 6};
      const Shape b = flips & 2 ? Shape{33, 6} : Shape{6, 33};
      for (const Shape& c : {Shape{}, Shape{1}, Shape{33}, Shape{20, 1}, Shape{20, 33}}) {
        for (const auto& [alpha, beta] : {std::pair{1.0f, 1.0f}, {0.5f, 2.0f}}) {
          expect_own(
              {"Gemm",
               {numbers(random, a, format), numbers(random, b, format), numbers(random, c, format)},
               {},
               {{"transA", flips & 1}, {"transB", flips >> 1}, {"alpha", alpha}, {"beta", beta}}},
              10 * bound_of(format));
        }
      }
      expect_own({"Gemm",
                  {numbers(random, a, format), numbers(random, b, format)},
                  {},
                  {{"transA", flips & 1}, {"transB", flips >> 1}, {"alpha", 0.25f}}},
                 10 * bound_of(format));
    }
  }
}

TEST(AnyOperators, ConvolutionsOfOneToThreeAxes) {
  std::mt19937 random(45);
  struct Case {
    Shape x, w;
    int64_t group;
    std::vector<int64_t> strides, dilations, pads;
    const char* auto_pad;
  };
  const Case kCases[] = {
      {{2, 4, 30}, {6, 4, 3}, 1, {2}, {1}, {1, 0}, "NOTSET"},
      {{1, 4, 30}, {6, 2, 3}, 2, {1}, {3}, {0, 0}, "SAME_UPPER"},
      {{2, 3, 9, 11}, {8, 3, 3, 3}, 1, {1, 1}, {1, 1}, {1, 1, 1, 1}, "NOTSET"},
      {{1, 4, 12, 7}, {4, 1, 3, 2}, 4, {2, 1}, {2, 1}, {0, 1, 2, 0}, "NOTSET"},
      {{1, 2, 10, 10}, {3, 2, 3, 3}, 1, {2, 2}, {1, 1}, {0, 0, 0, 0}, "SAME_LOWER"},
      {{1, 2, 5, 6, 4}, {4, 2, 2, 3, 2}, 1, {1, 2, 1}, {1, 1, 1}, {0, 1, 0, 1, 1, 0}, "NOTSET"},
  };
  for (const Case& c : kCases) {
    const graph::Builder::Attributes attributes = {{"group", c.group},
                                                   {"strides", c.strides},
                                                   {"dilations", c.dilations},
                                                   {"pads", c.pads},
                                                   {"auto_pad", std::string(c.auto_pad)}};
    for (Format format : {Format::kF32, Format::kF64, Format::kF16}) {
      const Tensor x = numbers(random, c.x, format, -1, 1);
      const Tensor w = numbers(random, c.w, format, -1, 1);
      const Tensor bias = numbers(random, {c.w[0]}, format, -1, 1);
      expect_own({"Conv", {x}, {w, bias}, attributes}, std::max(10 * bound_of(format), 1e-4));
      expect_own({"Conv", {x, w}, {}, attributes}, std::max(10 * bound_of(format), 1e-4));
    }
  }
}

TEST(AnyOperators, TransposedConvolutionsOfOneToThreeAxes) {
  std::mt19937 random(46);
  const auto attributes = [](std::initializer_list<int64_t> strides, int64_t group) {
    return graph::Builder::Attributes{{"strides", ints(strides)}, {"group", group}};
  };
  graph::Builder::Attributes padded = attributes({2, 2}, 1);
  padded["pads"] = ints({1, 0, 1, 1});
  padded["output_padding"] = ints({1, 0});
  graph::Builder::Attributes shaped = attributes({3, 2}, 2);
  shaped["output_shape"] = ints({10, 8});
  graph::Builder::Attributes dilated = attributes({1, 1}, 1);
  dilated["dilations"] = ints({2, 2});
  graph::Builder::Attributes same = attributes({2}, 2);
  same["auto_pad"] = std::string("SAME_UPPER");
  struct Case {
    Shape x, w;
    graph::Builder::Attributes attributes;
  };
  const Case kCases[] = {{{2, 3, 5, 4}, {3, 4, 3, 3}, padded},
                         {{1, 4, 3, 3}, {4, 3, 3, 3}, shaped},
                         {{1, 2, 4, 5}, {2, 3, 2, 3}, dilated},
                         {{1, 4, 20}, {4, 3, 5}, same},
                         {{1, 1, 2, 3, 4}, {1, 2, 2, 2, 3}, attributes({1, 2, 2}, 1)}};
  for (const Case& c : kCases) {
    const int64_t outputs =
        c.w[1] * (c.attributes.contains("group") ? std::get<int64_t>(c.attributes.at("group")) : 1);
    for (Format format : {Format::kF32, Format::kF64}) {
      expect_own({"ConvTranspose",
                  {numbers(random, c.x, format, -1, 1)},
                  {numbers(random, c.w, format, -1, 1), numbers(random, {outputs}, format)},
                  c.attributes},
                 1e-4);
    }
  }
}

TEST(AnyOperators, LstmWithEverythingOnnxAllows) {
  std::mt19937 random(47);
  const int64_t hidden = 5;
  const int64_t input = 3;
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    const int64_t d = std::string(direction) == "bidirectional" ? 2 : 1;
    std::vector<std::string> activations;
    for (int64_t i = 0; i < d; ++i) {
      activations.insert(activations.end(), {"HardSigmoid", "Softsign", "ScaledTanh"});
    }
    for (int64_t layout : {0, 1}) {
      const Shape x = layout ? Shape{2, 7, input} : Shape{7, 2, input};
      const Shape state = layout ? Shape{2, d, hidden} : Shape{d, 2, hidden};
      for (int64_t forget : {0, 1}) {
        expect_own({"LSTM",
                    {random_tensor(random, x), random_tensor(random, {d, 4 * hidden, input}),
                     random_tensor(random, {d, 4 * hidden, hidden}),
                     random_tensor(random, {d, 8 * hidden}), Tensor::of<int32_t>({7, 4}, {2}),
                     random_tensor(random, state), random_tensor(random, state),
                     random_tensor(random, {d, 3 * hidden})},
                    {},
                    {{"hidden_size", hidden},
                     {"direction", std::string(direction)},
                     {"layout", layout},
                     {"input_forget", forget},
                     {"clip", 0.7f},
                     {"activations", activations}},
                    3},
                   1e-4);
      }
    }
  }
}

TEST(AnyOperators, ScattersWithEveryReduction) {
  std::mt19937 random(48);
  for (Format format : {Format::kF32, Format::kI64, Format::kF16}) {
    for (const char* reduction : {"none", "add", "mul", "max", "min"}) {
      expect_own(
          {"ScatterND",
           {numbers(random, {4, 5, 3}, format), Tensor::of<int64_t>({0, 1, -1, 2, 0, 1}, {3, 2}),
            numbers(random, {3, 3}, format)},
           {},
           {{"reduction", std::string(reduction)}}},
          bound_of(format));
    }
  }
}

TEST(AnyOperators, GathersByElementsAndTuples) {
  std::mt19937 random(49);
  for (Format format : {Format::kF32, Format::kI8, Format::kI64, Format::kF16}) {
    for (int64_t axis : {0, 1, -1}) {
      expect_own({"GatherElements",
                  {numbers(random, {3, 4, 3}, format),
                   Tensor::of<int64_t>({0, 2, -1, 1, -2, 0, 1, 1}, {2, 2, 2})},
                  {},
                  {{"axis", axis}}},
                 kExactly);
    }
    for (int64_t batch : {0, 1}) {
      expect_own({"GatherND",
                  {numbers(random, {2, 3, 4}, format),
                   Tensor::of<int64_t>({1, 2, 0, -1, 1, 1, -1, 0}, {2, 2, 2})},
                  {},
                  {{"batch_dims", batch}}},
                 kExactly);
    }
  }
}

TEST(AnyOperators, PadsOfEveryTypeAndMode) {
  std::mt19937 random(50);
  for (Format format : {Format::kF32, Format::kI64, Format::kI8, Format::kF16}) {
    const Tensor x = numbers(random, {2, 5, 4}, format);
    expect_own({"Pad", {x}, {i64s({0, 1, -2, 1, 0, 5})}}, kExactly);
    for (const char* mode : {"constant", "edge", "reflect", "wrap"}) {
      expect_own({"Pad", {x}, {i64s({0, 2, 1, 0, 1, 3})}, {{"mode", std::string(mode)}}}, kExactly);
    }
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
