// Quantised products: the operators against ONNX's node cases, and the rewrite that makes them
// against the graph as it was, on random inputs.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "graph/ir/builder.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

using Tensors = std::map<std::string, Tensor>;

class IntegerProducts : public testing::Test {
 protected:
  Graph graph_;
  Builder b_{graph_};
  Dim n = Dim::symbol(graph_.add_symbol("n", {1, 64}));
  std::mt19937 random_{11};

  template <class T>
  Tensor bytes(Shape shape) {
    Tensor tensor = Tensor::create(format_of<T>(), std::move(shape)).value();
    for (T& value : tensor.mutable_values<T>()) value = static_cast<T>(random_());
    return tensor;
  }
  Tensor reals(Shape shape, float low, float high) {
    Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
    std::uniform_real_distribution<float> uniform(low, high);
    for (float& value : tensor.mutable_values<float>()) value = uniform(random_);
    return tensor;
  }
  ValueId real(float value) { return b_.constant("", Tensor::scalar(value)); }
  template <class T>
  ValueId byte(T value) {
    return b_.constant("", Tensor::scalar<T>(value));
  }
  /// QuantizeLinear and DequantizeLinear with one scale.
  template <class T>
  ValueId coarse(ValueId x, float scale, T zero) {
    const ValueId step = real(scale);
    const ValueId shift = byte<T>(zero);
    return b_.node("DequantizeLinear", "",
                   {b_.node("QuantizeLinear", "", {x, step, shift}), step, shift});
  }
  /// A weight of random bytes, decoded along an axis.
  template <class T>
  ValueId weight(Shape shape, int64_t axis) {
    const int64_t slices = shape[static_cast<size_t>(axis)];
    return b_.node(
        "DequantizeLinear", "",
        {b_.constant("", bytes<T>(shape)), b_.constant("", reals({slices}, 0.001f, 0.01f)),
         b_.constant("", bytes<T>({slices}))},
        {{"axis", axis}});
  }
  size_t count(const Graph& graph, std::string_view op) {
    return static_cast<size_t>(std::ranges::count(graph.nodes(), op, &Node::op));
  }

  /// Rewrites and compares both graphs' runs: results within `steps` of the result's scale.
  Graph rewritten(double bound) {
    EXPECT_TRUE(b_.finish());
    Graph changed = graph_;
    const auto times = apply_rewrite(changed, "integer-products");
    EXPECT_TRUE(times) << times.error().message;
    EXPECT_GT(times.value_or(0), 0);
    for (const int64_t length : {1, 5, 12}) {
      Tensors inputs;
      for (const ValueId id : graph_.inputs) {
        Shape shape;
        for (const Dim& dim : graph_.value(id).type.shape)
          shape.push_back(dim.evaluate({length}).value());
        inputs[graph_.value(id).name] = reals(shape, -3, 3);
      }
      const auto expected = evaluate(graph_, inputs);
      const auto actual = evaluate(changed, inputs);
      EXPECT_TRUE(expected) << expected.error().message;
      EXPECT_TRUE(actual) << actual.error().message;
      if (!expected || !actual) continue;
      for (const auto& [name, tensor] : *expected) {
        const Tensor& other = actual->at(name);
        EXPECT_EQ(tensor.shape(), other.shape());
        for (size_t i = 0; i < tensor.values<float>().size(); ++i)
          EXPECT_NEAR(tensor.values<float>()[i], other.values<float>()[i], bound) << name;
      }
    }
    return changed;
  }
};

TEST_F(IntegerProducts, MatMulWithAScalePerColumn) {
  const ValueId x = coarse<uint8_t>(b_.input("x", Format::kF32, {n, 3, 20}), 0.02f, 131);
  b_.output(b_.node("MatMul", "y", {x, weight<int8_t>({20, 7}, 1)}));
  const Graph changed = rewritten(1e-4);
  EXPECT_EQ(count(changed, "QLinearMatMul"), 1U);
  EXPECT_EQ(count(changed, "DequantizeLinear"), 0U);
}

TEST_F(IntegerProducts, ARoundedResultIsOneStepOfTheProduct) {
  const ValueId x = coarse<uint8_t>(b_.input("x", Format::kF32, {n, 20}), 0.02f, 131);
  b_.output(coarse<uint8_t>(b_.node("MatMul", "m", {x, weight<int8_t>({20, 7}, 1)}), 0.05f, 120));
  // A sum that lies between two steps may be rounded either way.
  const Graph changed = rewritten(0.05 + 1e-5);
  EXPECT_EQ(count(changed, "QuantizeLinear"), 1U);
}

TEST_F(IntegerProducts, BothOperandsMayBeActivations) {
  const ValueId x = b_.input("x", Format::kF32, {n, 4, 16});
  const ValueId left = coarse<uint8_t>(x, 0.02f, 100);
  const ValueId right = coarse<int8_t>(b_.transpose("t", x, {0, 2, 1}), 0.03f, -5);
  b_.output(b_.node("MatMul", "y", {left, right}));
  EXPECT_EQ(count(rewritten(1e-4), "QLinearMatMul"), 1U);
}

TEST_F(IntegerProducts, GemmWithATurnedWeightAndABias) {
  const ValueId x = coarse<int8_t>(b_.input("x", Format::kF32, {n, 20}), 0.02f, -7);
  b_.output(b_.node("Gemm", "y",
                    {x, weight<uint8_t>({7, 20}, 0), b_.constant("", reals({7}, -1, 1))},
                    {{"transB", int64_t{1}}}));
  EXPECT_EQ(count(rewritten(1e-4), "QLinearMatMul"), 1U);
}

TEST_F(IntegerProducts, ConvolutionsKeepTheirAttributes) {
  const ValueId x = coarse<uint8_t>(b_.input("x", Format::kF32, {2, 6, n}), 0.02f, 131);
  b_.output(b_.node("Conv", "y",
                    {x, weight<int8_t>({4, 3, 3}, 0), b_.constant("", reals({4}, -1, 1))},
                    {{"group", int64_t{2}},
                     {"pads", std::vector<int64_t>{2, 1}},
                     {"strides", std::vector<int64_t>{2}}}));
  EXPECT_EQ(count(rewritten(1e-4), "QLinearConv"), 1U);
}

TEST_F(IntegerProducts, ScalesAlongTheInnerAxisStayInTheSum) {
  const ValueId x = coarse<uint8_t>(b_.input("x", Format::kF32, {n, 20}), 0.02f, 131);
  b_.output(b_.node("MatMul", "y", {x, weight<int8_t>({20, 7}, 0)}));
  ASSERT_TRUE(b_.finish());
  const auto times = apply_rewrite(graph_, "integer-products");
  ASSERT_TRUE(times);
  EXPECT_EQ(*times, 0);
}

TEST_F(IntegerProducts, DynamicallyQuantisedActivations) {
  const ValueId x = b_.input("x", Format::kF32, {n, 20});
  const auto dynamic = b_.node("DynamicQuantizeLinear", "d", {x}, {}, 3);
  const ValueId sums = b_.node("MatMulInteger", "m",
                               {dynamic[0], b_.constant("", bytes<int8_t>({20, 7})), dynamic[2],
                                b_.constant("", bytes<int8_t>({7}))});
  const ValueId scales = b_.mul("s", dynamic[1], b_.constant("", reals({7}, 0.001f, 0.01f)));
  const ValueId y = b_.mul("p", b_.node("Cast", "c", {sums}, {{"to", int64_t{1}}}), scales);
  b_.output(b_.add("y", b_.constant("", reals({7}, -1, 1)), y));
  const Graph changed = rewritten(1e-4);
  EXPECT_EQ(count(changed, "QLinearMatMul"), 1U);
  EXPECT_EQ(count(changed, "MatMulInteger"), 0U);
}

}  // namespace
}  // namespace tenwatt::graph
