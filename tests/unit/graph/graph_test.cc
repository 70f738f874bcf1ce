// The tables of a graph: names, order, dead code and cuts.
#include "graph/ir/graph.h"

#include <gtest/gtest.h>

#include "graph/ir/builder.h"
#include "graph/ops/infer.h"

namespace tenwatt::graph {
namespace {

Type f32(Dims shape) { return {Format::kF32, std::move(shape), std::nullopt}; }

Node relu(ValueId from, ValueId to) { return {"Relu", "relu", {from}, {to}, {}}; }

TEST(Graph, GivesTakenAndEmptyNamesASuffix) {
  Graph graph;
  const ValueId first = graph.add_value("x");
  const ValueId second = graph.add_value("x");
  const ValueId third = graph.add_value("");
  EXPECT_EQ(graph.value(first).name, "x");
  EXPECT_NE(graph.value(second).name, "x");
  EXPECT_FALSE(graph.value(third).name.empty());
  EXPECT_EQ(graph.find_value(graph.value(second).name), second);
}

TEST(Graph, NormaliseSortsProducersBeforeConsumers) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2}));
  const ValueId a = graph.add_value("a");
  const ValueId b = graph.add_value("b");
  graph.add_node(relu(a, b));
  graph.add_node(relu(x, a));
  graph.outputs = {b};
  ASSERT_TRUE(graph.normalise());
  EXPECT_EQ(graph.node(0).outputs[0], a);
  EXPECT_EQ(graph.value(b).producer, 1);
}

TEST(Graph, NormaliseNamesCyclesAndMissingAndDoubleSources) {
  Graph cycle;
  const ValueId a = cycle.add_value("a");
  const ValueId b = cycle.add_value("b");
  cycle.add_node(relu(a, b));
  cycle.add_node(relu(b, a));
  EXPECT_NE(cycle.normalise().error().message.find("cycle"), std::string::npos);

  Graph missing;
  const ValueId nothing = missing.add_value("nothing");
  missing.add_node(relu(nothing, missing.add_value("out")));
  EXPECT_NE(missing.normalise().error().message.find("'nothing'"), std::string::npos);

  Graph twice;
  const ValueId x = twice.add_input("x", f32({2}));
  const ValueId y = twice.add_value("y");
  twice.add_node(relu(x, y));
  twice.add_node(relu(x, y));
  EXPECT_NE(twice.normalise().error().message.find("two sources"), std::string::npos);
}

TEST(Graph, CompactDropsWhatNoOutputNeeds) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2}));
  const ValueId dead = graph.add_value("dead");
  const ValueId live = graph.add_value("live");
  graph.add_node(relu(x, dead));
  graph.add_node(relu(x, live));
  graph.outputs = {live};
  ASSERT_TRUE(graph.normalise());
  graph.compact();
  EXPECT_EQ(graph.nodes().size(), 1u);
  EXPECT_FALSE(graph.find_value("dead"));
  EXPECT_EQ(graph.outputs[0], *graph.find_value("live"));
  EXPECT_TRUE(graph.is_input(*graph.find_value("x")));
}

TEST(Graph, CompactKeepsTheValueThatASymbolIsReadFrom) {
  Graph graph;
  Builder b(graph);
  const ValueId x = b.input("x", Format::kF32, {Dim(4)});
  const ValueId zero = b.constant("zero", Tensor::scalar<int64_t>(0));
  const ValueId one = b.constant("one", Tensor::scalar<int64_t>(1));
  const ValueId count =
      b.node("Cast", "count", {b.node("ReduceSum", "sum", {x}, {{"keepdims", int64_t{0}}})},
             {{"to", std::string("i64")}});
  b.output(b.node("Range", "steps", {zero, count, one}));
  ASSERT_TRUE(b.finish());
  // Nothing reads `count` any more, but the extent of `steps` does.
  graph.node(graph.value(graph.outputs[0]).producer).inputs[1] =
      b.dims("limit", *graph.value(count).known);
  graph.compact();
  ASSERT_TRUE(graph.find_value("count"));
  const auto& source = graph.symbols().back().source;
  ASSERT_TRUE(source);
  EXPECT_EQ(source->value, *graph.find_value("count"));
}

TEST(Graph, ExtractCutsAtTheGivenValues) {
  Graph graph;
  Builder b(graph);
  const SymbolId n = graph.add_symbol("n", {1, 100});
  const ValueId x = b.input("x", Format::kF32, {Dim::symbol(n)});
  const ValueId weight = b.constant("weight", Tensor::of<float>({2.0f}, {1}));
  const ValueId a = b.mul("a", x, weight);
  const ValueId c = b.silu("c", a);
  b.output(b.add("out", c, a));
  ASSERT_TRUE(b.finish());

  const ValueId inputs[] = {a};
  const ValueId outputs[] = {graph.outputs[0]};
  const auto part = extract(graph, inputs, outputs);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->nodes().size(), 2u);
  EXPECT_EQ(part->value(part->inputs[0]).name, "a");
  EXPECT_EQ(part->describe(part->outputs[0]), "out [n] f32");

  const ValueId too_few[] = {c};
  const auto failed = extract(graph, too_few, outputs);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("x [n] f32"), std::string::npos);
}

TEST(Graph, ExtractTakesTheStatesThatItsNodesUse) {
  Graph graph;
  Builder b(graph);
  const SymbolId tokens = graph.add_symbol("tokens", {1, 512});
  graph.tokens = tokens;
  for (const char* name : {"k.0", "v.0", "k.1", "v.1"}) {
    graph.states.push_back(
        {name, StateKind::kAppend, Format::kF32, {Dim(2), Dim(8)}, Dim(512), kNoValue, kNoValue});
  }
  const ValueId q = b.input("q", Format::kF32, {Dim::symbol(tokens), Dim(4), Dim(8)});
  const ValueId kv = b.input("kv", Format::kF32, {Dim::symbol(tokens), Dim(2), Dim(8)});
  const ValueId first = b.attention("first", q, kv, kv, {.k_state = "k.0", .v_state = "v.0"});
  const ValueId second = b.attention("second", first, kv, kv, {.k_state = "k.1", .v_state = "v.1"});
  b.output(second);
  ASSERT_TRUE(b.finish());
  const ValueId inputs[] = {first, kv};
  const ValueId outputs[] = {second};
  const auto part = extract(graph, inputs, outputs);
  ASSERT_TRUE(part);
  ASSERT_EQ(part->states.size(), 2u);
  EXPECT_EQ(part->states[0].name, "k.1");
  EXPECT_EQ(part->tokens, tokens);
}

TEST(Builder, ReportsTheFirstFailureAsASentence) {
  Graph graph;
  Builder b(graph);
  const ValueId x = b.input("x", Format::kF32, {Dim(3), Dim(5)});
  const ValueId w = b.constant("w", Tensor::create(Format::kF32, {7, 4}).value());
  const ValueId y = b.linear("projection", x, w);
  EXPECT_EQ(b.silu("after", y), kNoValue);
  const auto status = b.finish();
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("Linear 'projection'"), std::string::npos);
  EXPECT_NE(status.error().message.find("x [3, 5] f32, w [7, 4] f32"), std::string::npos);
}

}  // namespace
}  // namespace tenwatt::graph
