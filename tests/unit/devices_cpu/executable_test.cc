// What the executable promises beside arithmetic: aliases and known shapes cost nothing, bindings
// are kept, memory is reused correctly, taps see what the reference computes, a cancelled run
// leaves no trace, and the number of members does not show in the bits.
#include <algorithm>
#include <atomic>
#include <thread>

#include "device_support.h"

namespace tenwatt::cpu::testing {
namespace {

using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::ValueId;

/// A convolutional net over a symbolic time axis, in the manner of a vocoder with shape arithmetic:
/// x [1, 24, t] -> [1, 1, 2t].
Graph vocoder_like(std::mt19937& random) {
  Graph graph;
  const graph::SymbolId t = graph.add_symbol("t", {1, 4000});
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {1, 24, Dim::symbol(t)});
  const auto weight = [&](const char* name, Shape shape) {
    return build.constant(name, random_tensor(random, std::move(shape), -0.2f, 0.2f));
  };
  ValueId y = build.conv1d("pre", x, weight("w0", {32, 24, 7}), weight("b0", {32}), {.padding = 3});
  y = build.node("LeakyRelu", "act0", {y}, {{"alpha", 0.1f}});
  y = build.node("ConvTranspose", "up", {y, weight("w1", {32, 16, 4}), weight("b1", {16})},
                 {{"strides", std::vector<int64_t>{2}}, {"pads", std::vector<int64_t>{1, 1}}});
  const ValueId skip = y;
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    y = build.node("LeakyRelu", "act" + n, {y}, {{"alpha", 0.1f}});
    y = build.conv1d("conv" + n, y, weight(("v" + n).c_str(), {16, 16, 3}), graph::kNoValue,
                     {.padding = 1 << i, .dilation = 1 << i});
    y = build.add("sum" + n, y, skip);
  }
  const ValueId rows = build.transpose("rows", y, {0, 2, 1});
  const ValueId flat = build.reshape("flat", rows, {Dim::symbol(t) * Dim(2), 16});
  const ValueId soft = build.softmax("soft", flat);
  const ValueId back = build.reshape("back", soft, {1, Dim::symbol(t) * Dim(2), 16});
  y = build.add("mixed", build.transpose("columns", back, {0, 2, 1}), y);
  y = build.conv1d("post", y, weight("w9", {1, 16, 7}), graph::kNoValue, {.padding = 3});
  build.output(build.node("Tanh", "y", {y}));
  EXPECT_TRUE(build.finish().has_value());
  return graph;
}

TEST(Executable, EqualsTheReferenceForAnyLength) {
  std::mt19937 random(1);
  const Graph graph = vocoder_like(random);
  for (int64_t length : {1, 2, 63, 64, 65, 300}) {
    expect_equals_reference(graph, {{"x", random_tensor(random, {1, 24, length})}}, 1e-4);
  }
}

/// x [tokens, 96] times w [50, 96].
Graph linear_graph(const Tensor& w, graph::Operands operands) {
  Graph graph;
  Builder build(graph);
  const ValueId x =
      build.input("x", Format::kF32, {Dim::symbol(graph.add_symbol("t", {1, 64})), 96});
  build.output(build.linear("y", x, build.constant("w", w), graph::kNoValue, operands));
  EXPECT_TRUE(build.finish().has_value());
  return graph;
}

TEST(Executable, FloatWeightsRoundedToInt8AreBlocksOfQ8_0) {
  std::mt19937 random(21);
  const Tensor w = random_tensor(random, {50, 96}, -1, 1);
  const Tensor half = encoded(w, Format::kF16);
  const Tensor blocks = encoded(half.to_f32().value(), Format::kQ8_0);
  Loaded rounded = load_on_cpu(linear_graph(half, graph::Operands::kInt8));
  Loaded given = load_on_cpu(linear_graph(blocks, graph::Operands::kAsGiven));
  Team team(2);
  for (int64_t rows : {1, 2, 33}) {
    const Tensors inputs = {{"x", random_tensor(random, {rows, 96})}};
    const auto ours = run_once(rounded, inputs, team);
    const auto theirs = run_once(given, inputs, team);
    ASSERT_TRUE(ours && theirs);
    EXPECT_TRUE(same_bits(*ours, *theirs)) << rows << " rows";
  }
}

TEST(Executable, ReshapesAndUnitTransposesAreNoSteps) {
  Graph graph;
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {2, 6});
  const ValueId a = build.reshape("a", x, {3, 1, 4});
  const ValueId b = build.transpose("b", a, {1, 0, 2});
  build.output(build.node("Relu", "y", {b}));
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  EXPECT_EQ(loaded.cpu().kernels({}).value().size(), 1u);
}

TEST(Executable, AnOutputThatIsAnAliasIsCopied) {
  Graph graph;
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {2, 6});
  const ValueId r = build.node("Relu", "r", {x});
  build.output(build.reshape("flat", r, {12}));
  build.output(r);
  build.output(build.reshape("same", x, {6, 2}));
  build.output(build.slice("tail", r, 0, 1, 2));
  build.output(build.constant("c", Tensor::of<float>({1, 2, 3}, {3})));
  ASSERT_TRUE(build.finish().has_value());
  std::mt19937 random(2);
  const Tensor input = random_tensor(random, {2, 6});
  Loaded loaded = load_on_cpu(graph);
  Team team(3);
  const auto results = run_once(loaded, {{"x", input}}, team);
  ASSERT_TRUE(results.has_value()) << results.error().message;
  const auto expected = graph::evaluate(graph, {{"x", input}}).value();
  for (const auto& [name, tensor] : *results) {
    if (name == "c") continue;  // the interpreter computes no constants
    EXPECT_TRUE(same_bits(tensor, expected.at(name))) << name;
  }
  EXPECT_EQ(results->at("c").values<float>()[2], 3.0f);
}

TEST(Executable, KnownShapesCostNoSteps) {
  Graph graph;
  const graph::SymbolId t = graph.add_symbol("t", {1, 100});
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {4, Dim::symbol(t)});
  const ValueId shape = build.node("Shape", "shape", {x});
  const ValueId last =
      build.node("Gather", "last", {shape, build.constant("one", Tensor::of<int64_t>({1}, {1}))});
  const ValueId twice =
      build.node("Mul", "twice", {last, build.constant("two", Tensor::of<int64_t>({2}, {1}))});
  const ValueId wanted =
      build.node("Concat", "wanted", {build.constant("left", Tensor::of<int64_t>({2}, {1})), twice},
                 {{"axis", int64_t{0}}});
  const ValueId y = build.node("Reshape", "y", {x, wanted});
  build.output(build.node("Neg", "z", {y}));
  build.output(wanted);
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  EXPECT_EQ(loaded.cpu().kernels({7}).value().size(), 1u);
  std::mt19937 random(3);
  Team team(2);
  for (int64_t length : {3, 9}) {
    const auto results = run_once(loaded, {{"x", random_tensor(random, {4, length})}}, team);
    ASSERT_TRUE(results.has_value()) << results.error().message;
    EXPECT_EQ(results->at("z").shape(), (Shape{2, 2 * length}));
    EXPECT_EQ(results->at("wanted").values<int64_t>()[1], 2 * length);
  }
}

TEST(Executable, KeepsSixteenBindings) {
  std::mt19937 random(4);
  Loaded loaded = load_on_cpu(vocoder_like(random));
  Team team(2);
  const Tensors early = {{"x", random_tensor(random, {1, 24, 1})}};
  for (int round = 0; round < 3; ++round) ASSERT_TRUE(run_once(loaded, early, team).has_value());
  EXPECT_EQ(loaded.cpu().made_bindings(), 1u);
  for (int64_t length = 2; length <= 20; ++length) {
    ASSERT_TRUE(run_once(loaded, {{"x", random_tensor(random, {1, 24, length})}}, team));
  }
  EXPECT_EQ(loaded.cpu().cached_bindings(), CpuExecutable::kBindings);
  EXPECT_EQ(loaded.cpu().made_bindings(), 20u);
  ASSERT_TRUE(run_once(loaded, early, team).has_value());
  EXPECT_EQ(loaded.cpu().made_bindings(), 21u);
}

TEST(Executable, WhatIsSmallIsComputedByEveryMemberRatherThanWaitedFor) {
  constexpr int64_t kWidth = 512;
  std::mt19937 random(31);
  Graph graph;
  Builder build(graph);
  const auto matrix = [&](const char* name) {
    return build.constant(
        name, encoded(random_tensor(random, {kWidth, kWidth}, -0.3f, 0.3f), Format::kQ8_0));
  };
  const auto norm = [&](const char* name, ValueId x) {
    return build.rms_norm(name, x, build.constant("", random_tensor(random, {kWidth}, 0.5f, 1.5f)),
                          1e-5f);
  };
  const ValueId x = build.input("x", Format::kF32, {1, kWidth});
  const ValueId first = norm("norm", x);
  const ValueId a = build.linear("a", first, matrix("wa"));
  const ValueId b = build.linear("b", first, matrix("wb"));
  const ValueId sum = build.add("sum", build.add("both", a, b), x);
  build.output(build.linear("c", norm("norm2", sum), matrix("wc")));
  build.output(build.reshape("flat", sum, {kWidth}));  // of what every member has
  build.output(sum);
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  const Tensors inputs = {{"x", random_tensor(random, {1, kWidth})}};
  Team one(1);
  const auto expected = run_once(loaded, inputs, one);
  ASSERT_TRUE(expected.has_value()) << expected.error().message;
  for (int members : {2, 5}) {
    Team team(members);
    std::atomic<int> barriers{0};
    team.set_delay([&](int member) { barriers += member == 0 ? 1 : 0; });
    const auto results = run_once(loaded, inputs, team);
    ASSERT_TRUE(results.has_value()) << results.error().message;
    EXPECT_TRUE(same_bits(*results, *expected)) << members;
    EXPECT_EQ(barriers, 2) << "one after a and b, one after c";
  }
}

TEST(Executable, BitsDoNotDependOnMembersOrTheirDelays) {
  std::mt19937 random(5);
  const Graph graph = vocoder_like(random);
  const Tensors inputs = {{"x", random_tensor(random, {1, 24, 333})}};
  Loaded loaded = load_on_cpu(graph);
  Team alone(1);
  const Tensors expected = run_once(loaded, inputs, alone).value();
  for (int members : {2, 3, 7}) {
    Team team(members);
    for (int round = 0; round < 3; ++round) {
      team.set_delay([round](int member) {
        std::this_thread::sleep_for(std::chrono::microseconds((member * 37 + round * 11) % 120));
      });
      EXPECT_TRUE(same_bits(run_once(loaded, inputs, team).value(), expected)) << members;
    }
  }
}

TEST(Executable, TapsShowWhatTheReferenceComputes) {
  std::mt19937 random(6);
  const Graph graph = vocoder_like(random);
  const Tensors inputs = {{"x", random_tensor(random, {1, 24, 50})}};
  Tensors expected;
  graph::EvaluateOptions options;
  options.observe = [&](ValueId id, const Tensor& tensor) {
    expected[graph.value(id).name] = tensor.clone();
  };
  ASSERT_TRUE(graph::evaluate(graph, inputs, options).has_value());
  std::vector<ValueId> tapped;
  for (const auto& [name, tensor] : expected) tapped.push_back(*graph.find_value(name));
  tapped.push_back(graph.inputs[0]);
  Loaded loaded = load_on_cpu(graph);
  Team team(3);
  Tensors seen;
  devices::RunContext context;
  context.tapped = tapped;
  context.tap = [&](ValueId id, const Shape& shape, std::span<const std::byte> bytes) {
    seen[graph.value(id).name] =
        Tensor::wrap(graph.value(id).type.format, shape, bytes, nullptr)->clone();
  };
  const auto results = run_once(loaded, inputs, team, context);
  ASSERT_TRUE(results.has_value()) << results.error().message;
  EXPECT_TRUE(same_bits(seen.at("x"), inputs.at("x")));
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(seen.contains(name)) << name;
    EXPECT_LE(relative_error(seen.at(name), tensor), 1e-4) << name;
  }
  EXPECT_TRUE(same_bits(*results, run_once(loaded, inputs, team).value()));
}

TEST(Executable, ConvolutionsJoinedWithTheirNeighboursKeepTheBits) {
  std::mt19937 random(6);
  const Graph graph = vocoder_like(random);
  Team team(2);
  for (const Level level : usable_levels()) {
    Loaded loaded = load_on_cpu(graph, level);
    // pre, up, three of conv + Add, softmax over two transposes, the sum of it, post + Tanh.
    EXPECT_EQ(loaded.cpu().kernels({100}).value().size(), 10u) << level_name(level);
    for (int64_t length : {1, 50, 300}) {
      const Tensors inputs = {{"x", random_tensor(random, {1, 24, length})}};
      const auto joined = run_once(loaded, inputs, team);
      // A run that taps goes node by node.
      const ValueId tapped[] = {*graph.find_value("act1")};
      int seen = 0;
      devices::RunContext context;
      context.tapped = tapped;
      context.tap = [&](ValueId, const Shape&, std::span<const std::byte>) { ++seen; };
      const auto apart = run_once(loaded, inputs, team, context);
      ASSERT_TRUE(joined && apart);
      EXPECT_EQ(seen, 1);
      EXPECT_TRUE(same_bits(*joined, *apart)) << level_name(level) << ", length " << length;
    }
  }
}

TEST(Executable, HundredCancelledRunsLeaveNoTrace) {
  std::mt19937 random(7);
  const Graph graph = vocoder_like(random);
  const Tensors inputs = {{"x", random_tensor(random, {1, 24, 200})}};
  Loaded loaded = load_on_cpu(graph);
  Team team(3);
  const Tensors expected = run_once(loaded, inputs, team).value();
  std::atomic<bool> cancel{false};
  std::atomic<int> countdown{0};
  team.set_delay([&](int member) {
    if (member == 0 && countdown.fetch_sub(1) == 1) cancel = true;
  });
  int cancelled = 0;
  for (int round = 0; round < 100; ++round) {
    cancel = false;
    countdown = static_cast<int>(random() % 12) + 1;
    devices::RunContext context;
    context.cancel = &cancel;
    const auto results = run_once(loaded, inputs, team, context);
    if (results) {
      EXPECT_TRUE(same_bits(*results, expected));
    } else {
      EXPECT_EQ(results.error().code, ErrorCode::kCancelled);
      ++cancelled;
    }
  }
  EXPECT_GT(cancelled, 30);
  cancel = false;
  countdown = 0;
  EXPECT_TRUE(same_bits(run_once(loaded, inputs, team).value(), expected));
}

TEST(Executable, ConcurrentRunsDoNotShareMemory) {
  std::mt19937 random(8);
  Loaded loaded = load_on_cpu(vocoder_like(random));
  std::vector<Tensors> inputs;
  std::vector<Tensors> expected;
  Team team(2);
  for (int64_t i = 0; i < 4; ++i) {
    inputs.push_back({{"x", random_tensor(random, {1, 24, 40 + 13 * i})}});
    expected.push_back(run_once(loaded, inputs.back(), team).value());
  }
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (size_t i = 0; i < inputs.size(); ++i) {
    threads.emplace_back([&, i] {
      Team own(1);
      for (int round = 0; round < 20; ++round) {
        const auto results = run_once(loaded, inputs[i], own);
        if (!results || !same_bits(*results, expected[i])) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Executable, AnExtentThatTheRunDecidesStartsANewStage) {
  Graph graph;
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {3, 5});
  const ValueId positive = build.node("Relu", "positive", {x});
  const ValueId where = build.node("NonZero", "where", {positive});
  const ValueId pairs = build.transpose("pairs", where, {1, 0});
  build.output(build.node("GatherND", "found", {positive, pairs}));
  build.output(where);
  ASSERT_TRUE(build.finish().has_value());
  std::mt19937 random(9);
  Loaded loaded = load_on_cpu(graph);
  Team team(3);
  for (int round = 0; round < 5; ++round) {
    Tensor input = random_tensor(random, {3, 5});
    if (round == 4) std::ranges::fill(input.mutable_values<float>(), -1.0f);
    const auto results = run_once(loaded, {{"x", input}}, team);
    ASSERT_TRUE(results.has_value()) << results.error().message;
    const auto expected = graph::evaluate(graph, {{"x", input}}).value();
    EXPECT_TRUE(same_bits(*results, expected));
  }
}

TEST(Executable, ErrorsOfAStepEndTheRunForEveryMember) {
  std::mt19937 random(10);
  Graph graph;
  Builder build(graph);
  const ValueId ids = build.input("ids", Format::kI64, {3});
  const ValueId table = build.constant("table", random_tensor(random, {10, 4}));
  const ValueId rows = build.embedding("rows", ids, table);
  build.output(build.node("Relu", "y", {rows}));
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  Team team(3);
  const auto wrong = run_once(loaded, {{"ids", Tensor::of<int64_t>({1, 10, 2}, {3})}}, team);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, ErrorCode::kOutOfRange);
  EXPECT_TRUE(run_once(loaded, {{"ids", Tensor::of<int64_t>({1, 9, 2}, {3})}}, team));
}

TEST(Executable, RefusesArgumentsThatAreTooSmall) {
  Graph graph;
  Builder build(graph);
  build.output(build.node("Relu", "y", {build.input("x", Format::kF32, {100})}));
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  auto small = loaded.device->allocate(64).value();
  auto large = loaded.device->allocate(400).value();
  Team team(1);
  devices::RunContext context;
  context.team = &team;
  graph::Bindings bindings;
  const devices::Argument fits{large.get(), 0};
  for (const devices::Argument& bad :
       {devices::Argument{small.get(), 0}, devices::Argument{large.get(), 64}}) {
    EXPECT_FALSE(loaded.executable->run(bindings, {&bad, 1}, {&fits, 1}, context).has_value());
    EXPECT_FALSE(loaded.executable->run(bindings, {&fits, 1}, {&bad, 1}, context).has_value());
  }
  EXPECT_TRUE(loaded.executable->run(bindings, {&fits, 1}, {&fits, 1}, context).has_value());
}

TEST(Packing, ATiedTableIsKeptOnce) {
  std::mt19937 random(11);
  for (Format format : {Format::kQ4_1, Format::kQ8_0, Format::kF16}) {
    const Tensor table = encoded(random_tensor(random, {50, 64}), format);
    Graph graph;
    const graph::SymbolId n = graph.add_symbol("tokens", {1, 64});
    Builder build(graph);
    const ValueId ids = build.input("ids", Format::kI32, {Dim::symbol(n)});
    const ValueId weight = build.constant("table", table);
    const ValueId rows = build.embedding("rows", ids, weight);
    build.output(rows);
    build.output(build.linear("logits", rows, weight));
    ASSERT_TRUE(build.finish().has_value());
    Loaded loaded = load_on_cpu(graph);
    EXPECT_LT(loaded.artifact->bytes(), table.bytes().size() * 3 / 2);
    EXPECT_EQ(loaded.artifact->consumed_count, 1);
    Team team(2);
    const auto results =
        run_once(loaded, {{"ids", Tensor::of<int32_t>({0, 49, 17, 31}, {4})}}, team);
    ASSERT_TRUE(results.has_value()) << results.error().message;
    const Tensor all = table.to_f32().value();
    for (size_t i = 0; i < 4; ++i) {
      const int64_t id = std::array<int64_t, 4>{0, 49, 17, 31}[i];
      for (int64_t c = 0; c < 64; ++c) {
        EXPECT_EQ(results->at("rows").values<float>()[i * 64 + static_cast<size_t>(c)],
                  all.values<float>()[static_cast<size_t>(id * 64 + c)]);
      }
    }
  }
}

TEST(Packing, ADamagedArtifactIsRefused) {
  std::mt19937 random(12);
  const Graph graph = vocoder_like(random);
  auto device = make_cpu_device({}).value();
  const devices::Partition partition{graph, devices::Precision::kExact, "test"};
  const auto loaded = device->load(partition, std::make_shared<MemoryArtifact>());
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
}

TEST(Claims, NameTheKernelOrTheRemedy) {
  std::mt19937 random(13);
  Graph graph = vocoder_like(random);
  auto device = make_cpu_device({}).value();
  for (const devices::Claim& claim : device->claim(graph, devices::Precision::kFast)) {
    const auto* yes = std::get_if<devices::Yes>(&claim);
    ASSERT_NE(yes, nullptr);
    EXPECT_FALSE(yes->kernel.empty());
    EXPECT_GT(yes->seconds, 0);
  }
  graph.node(0).op = "Teleport";
  const auto claims = device->claim(graph, devices::Precision::kFast);
  const auto* no = std::get_if<devices::No>(&claims[0]);
  ASSERT_NE(no, nullptr);
  EXPECT_NE(no->reason.find("Teleport"), std::string::npos);
  EXPECT_FALSE(no->remedy.empty());
}

}  // namespace
}  // namespace tenwatt::cpu::testing
