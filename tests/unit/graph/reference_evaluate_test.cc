// evaluate(): symbols that shapes and elements bind, contents that are known as expressions,
// states, and what is kept.
#include <gtest/gtest.h>

#include "graph/ir/builder.h"
#include "graph/reference/reference.h"

namespace tenwatt::graph {
namespace {

constexpr Range kSome{1, 100};

Tensor floats(std::initializer_list<float> values) {
  return Tensor::of<float>(values, {static_cast<int64_t>(values.size())});
}

std::vector<float> values_of(const Tensor& tensor) {
  std::span<const float> values = tensor.values<float>();
  return {values.begin(), values.end()};
}

/// y = reshape(x [2n], [n, 2]) with the shape known as an expression.
Graph halving_graph() {
  Graph graph;
  Dim n = Dim::symbol(graph.add_symbol("n", kSome));
  Builder builder(graph);
  ValueId x = builder.input("x", Format::kF32, {n * 2});
  builder.output(builder.reshape("y", x, {n, 2}));
  EXPECT_TRUE(builder.finish());
  return graph;
}

TEST(Evaluate, MaterialisesKnownContentsFromTheShapesOfInputs) {
  auto values = evaluate(halving_graph(), {{"x", floats({1, 2, 3, 4, 5, 6})}});
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(values->at("y").shape(), (Shape{3, 2}));
}

TEST(Evaluate, RefusesInputsThatTheGraphDoesNotDescribe) {
  Graph graph = halving_graph();
  EXPECT_FALSE(evaluate(graph, {}));
  EXPECT_FALSE(evaluate(graph, {{"z", floats({1})}}));
  EXPECT_FALSE(evaluate(graph, {{"x", floats({1, 2, 3})}}));
  EXPECT_FALSE(evaluate(graph, {{"x", Tensor::of<int64_t>({1, 2}, {2})}}));
  EXPECT_FALSE(evaluate(graph, {{"x", Tensor::create(Format::kF32, {202}).value()}}));
  for (const auto& [name, number] : std::map<std::string, int64_t>{{"n", 2}, {"m", 1}}) {
    EvaluateOptions options;
    options.symbols[name] = number;
    EXPECT_FALSE(evaluate(graph, {{"x", floats({1, 2})}}, options)) << name;
  }
}

TEST(Evaluate, BindsASymbolThatAComputedExtentDecides) {
  Graph graph;
  Dim n = Dim::symbol(graph.add_symbol("n", kSome));
  Builder builder(graph);
  ValueId x = builder.input("x", Format::kF32, {n});
  ValueId found = builder.node("NonZero", "found", {x});
  builder.output(found);
  SymbolId count = graph.add_symbol("count", {0, 100});
  graph.symbol(count).source = Symbol::Source{found, 1, Symbol::Source::Kind::kExtent};
  graph.value(found).type = {Format::kI64, {1, Dim::symbol(count)}, {}};
  builder.output(builder.dims("twice", {Dim::symbol(count) * 2}));
  ASSERT_TRUE(builder.finish());
  auto values = evaluate(graph, {{"x", floats({0, 5, 0, 7, 9})}});
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(values->at("twice").values<int64_t>()[0], 6);
}

/// A running sum kept in a state: total' = total + x.
Graph summing_graph() {
  Graph graph;
  Builder builder(graph);
  ValueId x = builder.input("x", Format::kF32, {2});
  ValueId old = graph.add_value("total", {Format::kF32, {2}, {}});
  ValueId sum = builder.add("new total", old, x);
  State state;
  state.name = "total";
  state.kind = StateKind::kValue;
  state.row = {2};
  state.read = old;
  state.write = sum;
  graph.states.push_back(state);
  return graph;
}

TEST(Evaluate, ReadsStatesAsZeroUnlessTheyAreGivenAndReturnsWhatTheyBecome) {
  Graph graph = summing_graph();
  auto first = evaluate(graph, {{"x", floats({1, 2})}});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(values_of(first->at("new total")), (std::vector<float>{1, 2}));
  auto second = evaluate(graph, {{"x", floats({1, 2})}, {"total", first->at("new total")}});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(values_of(second->at("new total")), (std::vector<float>{2, 4}));
}

TEST(Evaluate, KeepsOutputsOrEveryValueAndShowsAllOfThemOnTheWay) {
  Graph graph;
  Builder builder(graph);
  ValueId x = builder.input("x", Format::kF32, {2});
  builder.output(builder.add("c", builder.mul("b", x, x), x));
  ASSERT_TRUE(builder.finish());
  std::vector<std::string> seen;
  EvaluateOptions options;
  options.observe = [&](ValueId id, const Tensor&) { seen.push_back(graph.value(id).name); };
  auto outputs = evaluate(graph, {{"x", floats({2, 3})}}, options);
  ASSERT_TRUE(outputs);
  EXPECT_EQ(outputs->size(), 1U);
  EXPECT_EQ(seen, (std::vector<std::string>{"b", "c"}));
  options.keep = EvaluateOptions::Keep::kEveryValue;
  auto all = evaluate(graph, {{"x", floats({2, 3})}}, options);
  ASSERT_TRUE(all);
  EXPECT_EQ(values_of(all->at("b")), (std::vector<float>{4, 9}));
  EXPECT_EQ(values_of(all->at("c")), (std::vector<float>{6, 12}));
}

TEST(Evaluate, AFailingNodeIsNamed) {
  Graph graph;
  Builder builder(graph);
  ValueId x = builder.input("x", Format::kF32, {2});
  ValueId index = builder.input("index", Format::kI64, {1});
  builder.output(builder.gather_rows("row", x, index));
  ASSERT_TRUE(builder.finish());
  auto values = evaluate(graph, {{"x", floats({1, 2})}, {"index", Tensor::of<int64_t>({5}, {1})}});
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().code, ErrorCode::kOutOfRange);
  EXPECT_NE(values.error().message.find("'row'"), std::string::npos);
}

}  // namespace
}  // namespace tenwatt::graph
