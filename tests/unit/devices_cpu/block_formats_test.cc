// Every block format through the device: products, and the embedding lookup that reads rows back
// out of the same panels.
#include "graph/ir/builder.h"
#include "unit/devices_cpu/block_weights.h"
#include "unit/devices_cpu/device_support.h"

namespace tenwatt::cpu::testing {
namespace {

using graph::Builder;
using graph::Graph;
using graph::ValueId;

constexpr double kQuantisedActivations = 0.015;

Tensor random_weights(std::mt19937& random, Format format, int64_t n, int64_t k) {
  Tensor tensor = Tensor::create(format, {n, k}).value();
  const std::vector<std::byte> blocks = random_blocks(format, n, k, random);
  std::ranges::copy(blocks, tensor.mutable_bytes().begin());
  return tensor;
}

/// -8 .. 8 in each of [rows, k].
Tensor activations(std::mt19937& random, int64_t rows, int64_t k) {
  return random_tensor(random, {rows, k}, -8, 8);
}

class BlockFormatOnDevice : public ::testing::TestWithParam<Format> {};

INSTANTIATE_TEST_SUITE_P(Formats, BlockFormatOnDevice, ::testing::ValuesIn(every_block_format()),
                         [](const auto& test) {
                           return std::string(tenwatt::info(test.param).name);
                         });

TEST_P(BlockFormatOnDevice, LinearIsTheReferenceUpToQuantisedActivations) {
  std::mt19937 random(31);
  const int64_t k = info(GetParam()).block == 32 ? 96 : 512;
  for (const int64_t rows : {1, 2, 17, 120}) {
    Graph graph;
    Builder build(graph);
    const ValueId x = build.input("x", Format::kF32, {graph::Dim(rows), graph::Dim(k)});
    const ValueId w = build.constant("w", random_weights(random, GetParam(), 50, k));
    build.output(build.linear("y", x, w));
    ASSERT_TRUE(build.finish().has_value());
    expect_equals_reference(graph, {{"x", activations(random, rows, k)}}, kQuantisedActivations,
                            rms_error);
  }
}

TEST_P(BlockFormatOnDevice, RowsOfATiedTableAreThoseOfTheFile) {
  std::mt19937 random(32);
  const int64_t k = 256;
  const Tensor table = random_weights(random, GetParam(), 50, k);
  Graph graph;
  Builder build(graph);
  const ValueId ids = build.input("ids", Format::kI32, {graph::Dim(4)});
  const ValueId weight = build.constant("table", table);
  const ValueId rows = build.embedding("rows", ids, weight);
  build.output(rows);
  build.output(build.linear("logits", rows, weight));
  ASSERT_TRUE(build.finish().has_value());
  Loaded loaded = load_on_cpu(graph);
  ASSERT_NE(loaded.executable, nullptr);
  Team team(2);
  const std::vector<int32_t> wanted = {0, 49, 17, 31};
  const auto results = run_once(loaded, {{"ids", Tensor::of<int32_t>(wanted, {4})}}, team);
  ASSERT_TRUE(results.has_value()) << results.error().message;
  const Tensor all = table.to_f32().value();
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(std::memcmp(&results->at("rows").values<float>()[i * k],
                          &all.values<float>()[wanted[i] * k], k * sizeof(float)),
              0);
  }
}

// What "Q4_K_M" files hold: the down matrix in more bits than the other two.
TEST(GatedFeedForward, MixesBlockFormats) {
  std::mt19937 random(33);
  for (const auto& [inner, outer] :
       {std::pair(Format::kQ4_K, Format::kQ6_K), std::pair(Format::kQ5_0, Format::kQ8_0),
        std::pair(Format::kIQ4_XS, Format::kQ5_K)}) {
    Graph graph;
    Builder build(graph);
    const ValueId x = build.input("x", Format::kF32, {graph::Dim(3), graph::Dim(256)});
    const ValueId y = build.gated_feed_forward(
        "y", x, build.constant("gate", random_weights(random, inner, 512, 256)),
        build.constant("up", random_weights(random, inner, 512, 256)),
        build.constant("down", random_weights(random, outer, 256, 512)), "silu");
    build.output(y);
    ASSERT_TRUE(build.finish().has_value());
    expect_equals_reference(graph, {{"x", random_tensor(random, {3, 256}, -1, 1)}}, 0.03,
                            rms_error);
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
