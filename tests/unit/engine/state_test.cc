// Ring, value and fixed states: what a run reads, and what it leaves behind.
#include <gtest/gtest.h>

#include "tiny_models.h"

namespace tenwatt::engine {
namespace {

using testing::cpu_options;
using testing::prepare;

/// total' = total + sum of x; y = [previous 3 samples, x]; z = x + offset (fixed).
graph::Graph stateful_graph() {
  graph::Graph graph;
  graph.name = "stateful";
  graph::Builder b(graph);
  const auto n = graph.add_symbol("n", {1, 64});
  const auto x = b.input("x", Format::kF32, {graph::Dim::symbol(n)});
  const auto total = graph.add_value("total", {Format::kF32, {1}, {}});
  const auto recent = graph.add_value("recent", {Format::kF32, {3}, {}});
  const auto offset = graph.add_value("offset", {Format::kF32, {1}, {}});
  const auto axes = b.constant("axes", Tensor::of<int64_t>({0}, {1}));
  const auto sum = b.node("ReduceSum", "sum", {x, axes}, {{"keepdims", int64_t{1}}});
  const auto next = b.add("next_total", total, sum);
  b.output(b.concat("window", {recent, x}, 0));
  b.output(b.add("shifted", x, offset));
  graph.states.push_back({.name = "total",
                          .kind = graph::StateKind::kValue,
                          .row = {1},
                          .rows = 1,
                          .read = total,
                          .write = next});
  graph.states.push_back({.name = "recent",
                          .kind = graph::StateKind::kRing,
                          .row = {},
                          .rows = 3,
                          .read = recent,
                          .write = x});
  graph.states.push_back(
      {.name = "offset", .kind = graph::StateKind::kFixed, .row = {}, .rows = 1, .read = offset});
  EXPECT_TRUE(b.finish());
  return graph;
}

Result<std::vector<Tensor>> feed(const Program& program, Session& session,
                                 std::vector<float> values) {
  Batch batch;
  batch.slices.push_back({&session, 0, {}});
  const auto count = static_cast<int64_t>(values.size());
  batch.inputs.emplace("x", Tensor::of(std::span<const float>(values), {count}));
  return program.run(batch);
}

std::vector<float> list(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

TEST(States, RingKeepsTheLastRowsAndValueIsReplaced) {
  const auto program = prepare(stateful_graph(), cpu_options());
  const auto session = program->open_session();
  ASSERT_TRUE(session->set_state("offset", Tensor::of<float>({10}, {1})));
  auto first = feed(*program, *session, {1, 2});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(list((*first)[0]), (std::vector<float>{0, 0, 0, 1, 2}));
  EXPECT_EQ(list((*first)[1]), (std::vector<float>{11, 12}));
  auto second = feed(*program, *session, {3, 4, 5, 6});
  ASSERT_TRUE(second);
  EXPECT_EQ(list((*second)[0]), (std::vector<float>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(list(session->state("recent").value()), (std::vector<float>{4, 5, 6}));
  EXPECT_EQ(list(session->state("total").value()), (std::vector<float>{21}));
}

TEST(States, AFixedStateMustBeSetAndSetsAreChecked) {
  const auto program = prepare(stateful_graph(), cpu_options());
  const auto session = program->open_session();
  const auto unset = feed(*program, *session, {1});
  ASSERT_FALSE(unset);
  EXPECT_NE(unset.error().message.find("offset"), std::string::npos);
  EXPECT_FALSE(session->set_state("offset", Tensor::of<float>({1, 2}, {2})));
  EXPECT_FALSE(session->set_state("nothing", Tensor::of<float>({1}, {1})));
}

TEST(States, ForksAreIndependentAndRecurrentStatesDoNotGoBack) {
  const auto program = prepare(stateful_graph(), cpu_options());
  const auto session = program->open_session();
  ASSERT_TRUE(session->set_state("offset", Tensor::of<float>({0}, {1})));
  ASSERT_TRUE(feed(*program, *session, {1}));
  auto fork = session->fork();
  ASSERT_TRUE(fork);
  ASSERT_TRUE(feed(*program, **fork, {5}));
  EXPECT_EQ(list(session->state("total").value()), (std::vector<float>{1}));
  EXPECT_EQ(list((*fork)->state("total").value()), (std::vector<float>{6}));
  const std::string saved = (*fork)->save().value();
  auto loaded = Session::load(program, saved);
  ASSERT_TRUE(loaded);
  ASSERT_TRUE(feed(*program, **loaded, {1}));
  EXPECT_EQ(list((*loaded)->state("total").value()), (std::vector<float>{7}));
}

TEST(States, GoingBackToTheStartForgetsWhatRecurrentStatesHeld) {
  const auto program = prepare(stateful_graph(), cpu_options());
  const auto session = program->open_session();
  ASSERT_TRUE(session->set_state("offset", Tensor::of<float>({7}, {1})));
  ASSERT_TRUE(feed(*program, *session, {1, 2}));
  ASSERT_TRUE(session->truncate(0));
  EXPECT_EQ(list(session->state("total").value()), (std::vector<float>{0}));
  EXPECT_EQ(list(session->state("recent").value()), (std::vector<float>{0, 0, 0}));
  EXPECT_EQ(list(session->state("offset").value()), (std::vector<float>{7})) << "set, not run";
}

TEST(States, ACancelledRunLeavesThemAlone) {
  const auto program = prepare(stateful_graph(), cpu_options());
  const auto session = program->open_session();
  ASSERT_TRUE(session->set_state("offset", Tensor::of<float>({0}, {1})));
  ASSERT_TRUE(feed(*program, *session, {1, 2}));
  std::atomic<bool> cancel{true};
  Batch batch;
  batch.slices.push_back({session.get(), 0, {}});
  batch.inputs.emplace("x", Tensor::of<float>({9}, {1}));
  EXPECT_EQ(program->run(batch, {.cancel = &cancel}).error().code, ErrorCode::kCancelled);
  EXPECT_EQ(list(session->state("total").value()), (std::vector<float>{3}));
  EXPECT_EQ(list(session->state("recent").value()), (std::vector<float>{0, 1, 2}));
}

}  // namespace
}  // namespace tenwatt::engine
