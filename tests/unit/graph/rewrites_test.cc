// Every rewrite proves itself on random inputs: the rewritten graph computes what the graph did.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/ir/builder.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

using Tensors = std::map<std::string, Tensor>;

Tensor random_tensor(std::mt19937& random, Shape shape, float scale) {
  std::normal_distribution<float> normal(0.0f, scale);
  Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  return tensor;
}

void expect_same(const Tensors& expected, const Tensors& actual, float tolerance) {
  ASSERT_EQ(expected.size(), actual.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(actual.contains(name)) << name;
    ASSERT_EQ(tensor.shape(), actual.at(name).shape()) << name;
    ASSERT_EQ(tensor.format(), Format::kF32) << name;
    for (size_t i = 0; i < tensor.values<float>().size(); ++i)
      ASSERT_NEAR(tensor.values<float>()[i], actual.at(name).values<float>()[i], tolerance)
          << name << " at " << i;
  }
}

class Rewrites : public testing::Test {
 protected:
  Graph graph_;
  Builder b_{graph_};
  Dim n = Dim::symbol(graph_.add_symbol("n", {1, 1000}));
  std::mt19937 random_{7};

  ValueId numbers(std::initializer_list<int64_t> values) {
    return b_.constant("", Tensor::of(values, {static_cast<int64_t>(values.size())}));
  }
  ValueId number(int64_t value) { return b_.constant("", Tensor::scalar(value)); }
  ValueId real(float value) { return b_.constant("", Tensor::scalar(value)); }
  size_t count(const Graph& graph, std::string_view op) {
    return static_cast<size_t>(std::ranges::count(graph.nodes(), op, &Node::op));
  }

  /// Applies a rewrite (all of them if `name` is empty) and compares runs on three lengths.
  Graph rewritten(std::string_view name, float tolerance = 0.0f) {
    EXPECT_TRUE(b_.finish());
    Graph changed = graph_;
    if (name.empty()) {
      const auto counts = optimise(changed);
      EXPECT_TRUE(counts) << counts.error().message;
    } else {
      const auto times = apply_rewrite(changed, name);
      EXPECT_TRUE(times) << times.error().message;
      EXPECT_GT(times.value_or(0), 0);
    }
    for (const int64_t length : {1, 4, 9}) {
      Tensors inputs;
      for (const ValueId id : graph_.inputs) {
        Shape shape;
        for (const Dim& dim : graph_.value(id).type.shape)
          shape.push_back(dim.evaluate({length}).value());
        inputs[graph_.value(id).name] = random_tensor(random_, shape, 4.0f);
      }
      const auto expected = evaluate(graph_, inputs);
      const auto actual = evaluate(changed, inputs);
      EXPECT_TRUE(expected) << expected.error().message;
      EXPECT_TRUE(actual) << actual.error().message;
      if (expected && actual) expect_same(*expected, *actual, tolerance);
    }
    return changed;
  }
};

TEST_F(Rewrites, FoldConstants) {
  const ValueId x = b_.input("x", Format::kF32, {n, 2});
  const ValueId weight = b_.constant("w", Tensor::of<float>({1.5f, -2.0f}, {2}));
  const ValueId scale = b_.node("Exp", "scale", {b_.mul("halved", weight, real(0.5f))});
  b_.output(b_.mul("y", x, scale));
  const Graph changed = rewritten("fold-constants");
  EXPECT_EQ(changed.nodes().size(), 1u);
}

TEST_F(Rewrites, KnownContentsNeedNoComputing) {
  const ValueId x = b_.input("x", Format::kF32, {n, 6});
  const ValueId columns = b_.node("Gather", "columns", {b_.node("Shape", "shape", {x}), number(1)});
  b_.output(b_.mul("y", x, b_.node("Cast", "as_float", {columns}, {{"to", std::string("f32")}})));
  EXPECT_EQ(rewritten("fold-constants").nodes().size(), 1u);
}

TEST_F(Rewrites, RemoveIdentities) {
  const ValueId x = b_.input("x", Format::kF32, {n, 3});
  const ValueId a = b_.node("Identity", "a", {x});
  const ValueId c = b_.reshape("c", b_.transpose("t", a, {0, 1}), {n, 3});
  const ValueId whole = b_.slice("whole", c, 0, Dim(0), n);
  b_.output(b_.silu("y", whole));
  EXPECT_EQ(rewritten("remove-identities").nodes().size(), 1u);
}

TEST_F(Rewrites, ReversingSlicesAreNoIdentities) {
  const ValueId x = b_.input("x", Format::kF32, {n});
  b_.output(
      b_.node("Slice", "y", {x, numbers({-1}), numbers({INT64_MIN}), numbers({0}), numbers({-1})}));
  EXPECT_EQ(count(rewritten(""), "Slice"), 1u);
}

TEST_F(Rewrites, MergeEqualNodes) {
  const ValueId x = b_.input("x", Format::kF32, {n});
  b_.output(b_.add("y", b_.silu("a", x), b_.silu("b", x)));
  EXPECT_EQ(count(rewritten("merge-equal-nodes"), "Silu"), 1u);
}

TEST_F(Rewrites, NoiseBecomesNamedInputs) {
  const ValueId x = b_.input("x", Format::kF32, {n, 2});
  const ValueId first = b_.node("RandomNormalLike", "first", {x});
  const ValueId second =
      b_.node("RandomNormalLike", "second", {x}, {{"mean", 3.0f}, {"scale", 2.0f}});
  b_.output(b_.add("sum", first, x));
  b_.output(b_.silu("other", second));
  ASSERT_TRUE(b_.finish());
  ASSERT_TRUE(apply_rewrite(graph_, "noise-as-inputs"));
  EXPECT_EQ(count(graph_, "RandomNormalLike"), 0u);
  const auto noise = random_tensor(random_, {4, 2}, 1.0f);
  const auto zero = Tensor::create(Format::kF32, {4, 2}).value();
  const auto out = evaluate(graph_, {{"x", zero}, {"noise_0", noise}, {"noise_1", noise}});
  ASSERT_TRUE(out) << out.error().message;
  for (size_t i = 0; i < 8; ++i) {
    const float z = noise.values<float>()[i];
    EXPECT_EQ(out->at("sum").values<float>()[i], z);
    const float shifted = z * 2.0f + 3.0f;
    EXPECT_NEAR(out->at("other").values<float>()[i], shifted / (1.0f + std::exp(-shifted)), 1e-5);
  }
}

TEST_F(Rewrites, SplicesTheBranchThatIsTaken) {
  for (const int64_t columns : {2, 3}) {
    Graph graph;
    Builder b(graph);
    graph.add_symbol("n", {1, 1000});
    const auto branch = [&](std::string_view op) {
      auto made = std::make_shared<Graph>();
      const ValueId x = made->add_input("x", {});
      const ValueId y = made->add_value("y");
      made->add_node({std::string(op), "inner", {x}, {y}, {}});
      made->outputs = {y, x};
      return std::shared_ptr<const Graph>(made);
    };
    const ValueId x = b.input("x", Format::kF32, {Dim::symbol(0), columns});
    const ValueId extent =
        b.node("Gather", "extent",
               {b.node("Shape", "shape", {x}), b.constant("one", Tensor::scalar<int64_t>(1))});
    const ValueId condition =
        b.node("Equal", "is_two", {extent, b.constant("two", Tensor::scalar<int64_t>(2))});
    const auto results = b.node("If", "choice", {condition, x},
                                {{"then_branch", branch("Neg")},
                                 {"else_branch", branch("Silu")},
                                 {"captures", std::vector<std::string>{"x"}}},
                                2);
    b.output(results[0]);
    b.output(results[1]);
    graph_ = graph;
    const Graph changed = rewritten("");
    EXPECT_EQ(count(changed, "If"), 0u);
    EXPECT_EQ(count(changed, columns == 2 ? "Neg" : "Silu"), 1u);
  }
}

TEST_F(Rewrites, ShapeChainsDieWithTheirOperands) {
  const ValueId x = b_.input("x", Format::kF32, {n, 6});
  const ValueId rows = b_.node("Gather", "rows", {b_.node("Shape", "shape", {x}), number(0)});
  const ValueId doubled = b_.mul("doubled", rows, number(2));
  const ValueId shape =
      b_.concat("to", {b_.node("Unsqueeze", "u", {doubled, numbers({0})}), numbers({3})}, 0);
  b_.output(b_.node("Reshape", "y", {x, shape}));
  const Graph changed = rewritten("detach-shape-operands");
  EXPECT_EQ(changed.nodes().size(), 1u);
}

/// x[..., column] = updates as exporters write it.
void build_column_write(Builder& b, Dim rows, int64_t column) {
  const ValueId x = b.input("x", Format::kF32, {rows, 5});
  const ValueId updates = b.input("updates", Format::kF32, {rows, 1});
  const auto scalar = [&](int64_t v) { return b.constant("", Tensor::scalar(v)); };
  const ValueId limit =
      b.node("Gather", "limit",
             {b.node("Shape", "shape", {x}), b.constant("", Tensor::scalar<int64_t>(0))});
  const ValueId range = b.node("Range", "range", {scalar(0), limit, scalar(1)});
  const ValueId grid =
      b.node("Reshape", "grid", {range, b.constant("", Tensor::of<int64_t>({-1, 1}, {2}))});
  const ValueId last = b.constant("", Tensor::of<int64_t>({-1}, {1}));
  const ValueId shape = b.node("Shape", "grid_shape", {grid});
  const ValueId constant =
      b.node("Expand", "column", {b.constant("", Tensor::of<int64_t>({column}, {1})), shape});
  const ValueId indices = b.concat(
      "indices",
      {b.node("Unsqueeze", "a", {grid, last}), b.node("Unsqueeze", "b", {constant, last})}, -1);
  b.output(b.node("ScatterND", "y", {x, indices, updates}));
}

TEST_F(Rewrites, ScatterColumnJoinsColumns) {
  for (const int64_t column : {0, 2, 4, -1}) {
    Graph graph;
    Builder b(graph);
    build_column_write(b, Dim::symbol(graph.add_symbol("n", {1, 1000})), column);
    ASSERT_TRUE(b.finish()) << b.finish().error().message;
    graph_ = graph;
    EXPECT_EQ(count(rewritten("scatter-column"), "ScatterND"), 0u);
  }
}

/// y[mask] = f(x[mask], w[mask]) with mask = -2 <= x <= 2 and y[!mask] = x[!mask].
class MaskedRows : public Rewrites {
 protected:
  ValueId x_ = b_.input("x", Format::kF32, {1, n});
  ValueId w_ = b_.input("w", Format::kF32, {1, n, 4});
  ValueId mask_ = b_.node("And", "mask",
                          {b_.node("GreaterOrEqual", "ge", {x_, real(-2.0f)}),
                           b_.node("LessOrEqual", "le", {x_, real(2.0f)})});
  ValueId rows(ValueId mask) {
    return b_.transpose("rows", b_.node("NonZero", "found", {mask}), {1, 0});
  }
  ValueId gather(ValueId data, ValueId index) {
    return b_.node("GatherND", "gathered", {data, index});
  }
  ValueId zeros() { return b_.node("ConstantOfShape", "zeros", {b_.node("Shape", "shape", {x_})}); }
};

TEST_F(MaskedRows, BecomeDense) {
  const ValueId inside = rows(mask_);
  const ValueId outside = rows(b_.node("Not", "not", {mask_}));
  const ValueId weights = b_.softmax("soft", gather(w_, inside));
  const ValueId x = gather(x_, inside);
  // An index that depends on x and is out of range where x is outside the mask.
  const ValueId bins = b_.constant("bins", Tensor::of<float>({-2.0f, -1.0f, 0.5f, 1.0f}, {1, 4}));
  const ValueId column = b_.node("Unsqueeze", "x1", {x, numbers({1})});
  const ValueId above = b_.node("Cast", "above", {b_.node("GreaterOrEqual", "gt", {column, bins})},
                                {{"to", std::string("i64")}});
  const ValueId sum = b_.node("ReduceSum", "bin", {above, numbers({-1})});
  const ValueId picked =
      b_.node("GatherElements", "picked", {weights, b_.sub("index", sum, number(1))},
              {{"axis", int64_t{1}}});
  const ValueId value =
      b_.mul("value", b_.node("Gather", "flat", {picked, number(0)}, {{"axis", int64_t{1}}}), x);
  const ValueId kept = b_.node("ScatterND", "kept", {zeros(), outside, gather(x_, outside)});
  b_.output(b_.node("ScatterND", "y", {kept, inside, value}));
  const Graph changed = rewritten("");
  for (const char* op : {"NonZero", "GatherND", "ScatterND"}) EXPECT_EQ(count(changed, op), 0u);
  EXPECT_EQ(count(changed, "Where"), 2u);
}

TEST_F(MaskedRows, StayWhereRowsMix) {
  const ValueId inside = rows(mask_);
  const ValueId x = gather(x_, inside);
  const ValueId summed =
      b_.node("CumSum", "mixed", {x, b_.constant("", Tensor::scalar<int64_t>(0))});
  b_.output(b_.node("ScatterND", "y", {zeros(), inside, summed}));
  EXPECT_EQ(count(rewritten(""), "NonZero"), 1u);
}

TEST_F(MaskedRows, StayWhereTheirNumberIsUsed) {
  const ValueId inside = rows(mask_);
  const ValueId x = gather(x_, inside);
  const ValueId total =
      b_.node("Cast", "total", {b_.node("Size", "size", {x})}, {{"to", std::string("f32")}});
  b_.output(b_.node("ScatterND", "y", {zeros(), inside, b_.mul("scaled", x, total)}));
  EXPECT_EQ(count(rewritten(""), "NonZero"), 1u);
}

TEST_F(MaskedRows, StayWhereGatheredRowsLeave) {
  const ValueId inside = rows(mask_);
  const ValueId x = gather(x_, inside);
  b_.output(b_.silu("rows_out", x));
  b_.output(b_.node("ScatterND", "y", {zeros(), inside, x}));
  EXPECT_EQ(count(rewritten(""), "NonZero"), 1u);
}

TEST_F(Rewrites, FuseLayerNormalization) {
  const ValueId x = b_.input("x", Format::kF32, {n, 8});
  const std::vector<int64_t> last{-1};
  const ValueId mean = b_.node("ReduceMean", "mean", {x}, {{"axes", last}});
  const ValueId centred = b_.sub("centred", x, mean);
  const ValueId square = b_.node("Pow", "square", {centred, real(2.0f)});
  const ValueId variance = b_.node("ReduceMean", "variance", {square}, {{"axes", last}});
  const ValueId root = b_.node("Sqrt", "root", {b_.add("safe", variance, real(1e-5f))});
  const ValueId gamma = b_.constant("gamma", random_tensor(random_, {8}, 1.0f));
  const ValueId beta = b_.constant("beta", random_tensor(random_, {8}, 1.0f));
  const ValueId scaled = b_.mul("scaled", b_.node("Div", "unit", {centred, root}), gamma);
  b_.output(b_.add("y", scaled, beta));
  const Graph changed = rewritten("fuse-layer-normalization", 1e-5f);
  ASSERT_EQ(changed.nodes().size(), 1u);
  EXPECT_EQ(changed.node(0).op, "LayerNormalization");
}

TEST_F(Rewrites, FuseGelu) {
  const ValueId x = b_.input("x", Format::kF32, {n, 8});
  const ValueId erf = b_.node("Erf", "erf", {b_.node("Div", "scaled", {x, real(std::sqrt(2.0f))})});
  const ValueId product = b_.mul("product", x, b_.add("sum", erf, real(1.0f)));
  b_.output(b_.mul("y", product, real(0.5f)));
  const Graph changed = rewritten("fuse-gelu", 1e-5f);
  ASSERT_EQ(changed.nodes().size(), 1u);
  EXPECT_EQ(changed.node(0).op, "Gelu");
}

TEST_F(Rewrites, FixingASymbolMakesExtentsNumbers) {
  const ValueId x = b_.input("x", Format::kF32, {n, 2});
  b_.output(b_.reshape("y", x, {n * 2}));
  ASSERT_TRUE(b_.finish());
  ASSERT_TRUE(fix_symbol(graph_, "n", 3));
  ASSERT_TRUE(infer_shapes(graph_));
  EXPECT_EQ(graph_.value(graph_.outputs[0]).type.shape, (Dims{6}));
  EXPECT_FALSE(fix_symbol(graph_, "n", 4));
}

TEST(FoldConstants, ASmallFileCannotFillMemory) {
  // Each node is cheap to write and names 8 MB.
  Graph graph;
  const ValueId shape = graph.add_constant("shape", Tensor::of<int64_t>({1024, 2048}, {2}));
  for (int i = 0; i < 50; ++i) {
    const ValueId filled = graph.add_value("filled");
    graph.add_node({"ConstantOfShape", "filled", {shape}, {filled}, {}});
    graph.outputs.push_back(filled);
  }
  ASSERT_TRUE(optimise(graph));
  EXPECT_LE(graph.folded_bytes, int64_t{17} << 20);
  EXPECT_FALSE(graph.nodes().empty()) << "what is too large is computed in a run";
}

TEST(FoldConstants, LargeProductsWaitForARun) {
  Graph graph;
  const ValueId shape = graph.add_constant("shape", Tensor::of<int64_t>({1000, 1000}, {2}));
  const ValueId ones = graph.add_value("ones");
  const ValueId product = graph.add_value("product");
  graph.add_node({"ConstantOfShape", "ones", {shape}, {ones}, {}});
  graph.add_node({"MatMul", "product", {ones, ones}, {product}, {}});
  graph.outputs = {product};
  ASSERT_TRUE(optimise(graph));
  ASSERT_EQ(graph.nodes().size(), 1u);
  EXPECT_EQ(graph.nodes()[0].op, "MatMul");
}

}  // namespace
}  // namespace tenwatt::graph
