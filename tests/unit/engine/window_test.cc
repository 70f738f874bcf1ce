// Sliding windows: the derived halo is enough for equality and is not generous, and what mixes the
// whole axis is refused by name.
#include <gtest/gtest.h>

#include "devices/simnpu/simnpu_device.h"
#include "engine/windowed.h"
#include "tiny_models.h"

namespace tenwatt::engine {
namespace {

using testing::cpu_options;
using testing::random_tensor;

constexpr int64_t kChannels = 4;

/// A random stack of convolutions, upsamplings and residuals over [1, channels, frames].
graph::Graph random_vocoder(uint64_t seed) {
  Random random(seed);
  graph::Graph graph;
  graph.name = "vocoder";
  graph::Builder b(graph);
  const auto frames = graph.add_symbol("frames", {1, 4096});
  auto x = b.input("x", Format::kF32, {1, kChannels, graph::Dim::symbol(frames)});
  for (int layer = 0; layer < 4; ++layer) {
    const std::string name = "layer" + std::to_string(layer);
    const auto weights = [&](int64_t kernel) {
      return b.constant(name + ".weight",
                        random_tensor({kChannels, kChannels, kernel}, seed * 97 + layer, 0.3f));
    };
    const auto bias = b.constant(name + ".bias", random_tensor({kChannels}, seed + layer));
    if (random.below(3) == 0) {
      const int64_t stride = 2 + static_cast<int64_t>(random.below(3));
      const int64_t kernel = 2 * stride;
      x = b.node("ConvTranspose", name, {x, weights(kernel), bias},
                 {{"strides", std::vector<int64_t>{stride}},
                  {"pads", std::vector<int64_t>{stride / 2, stride - stride / 2}},
                  {"kernel_shape", std::vector<int64_t>{kernel}}});
      continue;
    }
    const int64_t kernel = 1 + 2 * static_cast<int64_t>(random.below(3));
    const int64_t dilation = 1 + static_cast<int64_t>(random.below(3));
    const auto active = b.node("LeakyRelu", name + ".relu", {x}, {{"alpha", 0.1f}});
    const auto conv = b.conv1d(name, active, weights(kernel), bias,
                               {.padding = dilation * (kernel - 1) / 2, .dilation = dilation});
    x = b.add(name + ".residual", conv, x);
  }
  b.output(b.node("Tanh", "sound", {x}));
  EXPECT_TRUE(b.finish());
  return graph;
}

std::vector<float> values(const Tensor& tensor) {
  const auto span = tensor.values<float>();
  return {span.begin(), span.end()};
}

TEST(SlidingWindow, EqualsWholeRunForAnyLength) {
  Random random(1);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    WindowedOptions windows;
    windows.symbol = "frames";
    windows.size = 40 + static_cast<int64_t>(random.below(30));
    if (seed % 2 == 0) windows.growing = {.first_kept = 3, .growth = 2, .largest = windows.size};
    const auto program = WindowedProgram::prepare(random_vocoder(seed), cpu_options(), windows);
    ASSERT_TRUE(program) << program.error().message;
    for (int64_t frames : {int64_t{1}, int64_t{5}, windows.size - 1, windows.size, windows.size + 1,
                           int64_t{100}, int64_t{333}}) {
      const std::map<std::string, Tensor, std::less<>> inputs = {
          {"x", random_tensor({1, kChannels, frames}, seed + 1000)}};
      const auto whole = (*program)->run_whole(inputs);
      const auto joined = (*program)->run(inputs);
      ASSERT_TRUE(whole && joined);
      EXPECT_EQ(values((*joined)[0]), values((*whole)[0]))
          << "seed " << seed << ", " << frames << " frames in windows of " << windows.size;
    }
  }
}

TEST(SlidingWindow, OneRowLessOfHaloIsNotEnough) {
  // Where the halo is real, taking a row from it must change the result somewhere; else the
  // equality above would prove nothing about it.
  int changed = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const auto program = WindowedProgram::prepare(random_vocoder(seed), cpu_options(),
                                                  {.symbol = "frames", .size = 64});
    ASSERT_TRUE(program);
    SlidingWindow window = (*program)->window();
    if (window.output_halo_left[0] == 0) continue;
    window.output_halo_left[0] -= 1;
    const std::map<std::string, Tensor, std::less<>> inputs = {
        {"x", random_tensor({1, kChannels, 200}, seed)}};
    const auto whole = (*program)->run_whole(inputs);
    ASSERT_TRUE(whole);
    const auto steps = window_steps(window, 200, {.size = 64});
    ASSERT_TRUE(steps);
    const WindowedProgram::Schedule schedule{.program = (*program)->schedule(200).value().program,
                                             .steps = *steps};
    std::vector<float> joined;
    const int64_t rate = window.outputs[0].rate;
    std::vector<float> expected = values((*whole)[0]);
    for (size_t step = 1; step + 1 < schedule.steps.size(); ++step) {
      const auto piece = (*program)->run_step(schedule, step, inputs);
      ASSERT_TRUE(piece);
      const int64_t begin = schedule.steps[step].keep_begin[0];
      const auto row = (*piece)[0].values<float>();
      changed += row[0] != expected[static_cast<size_t>(begin)] ? 1 : 0;
    }
    EXPECT_GT(rate, 0);
  }
  EXPECT_GT(changed, 0);
}

SlidingWindow window_with_halos() {
  SlidingWindow window;
  window.halo_left = 5;
  window.halo_right = 3;
  window.outputs = {{.value = 0, .axis = 0, .rate = 4}};
  window.output_halo_left = {19};
  window.output_halo_right = {10};
  return window;
}

void expect_cover(const std::vector<WindowStep>& steps, int64_t rows) {
  int64_t done = 0;
  for (const WindowStep& step : steps) {
    ASSERT_EQ(step.keep_begin[0], done);
    ASSERT_GT(step.keep_end[0], done);
    ASSERT_LE(step.begin + step.size, rows);
    // Rows within the halo of a cut edge are never kept.
    if (step.begin > 0) {
      ASSERT_GE(step.keep_begin[0], 4 * step.begin + 19);
    }
    if (step.begin + step.size < rows) {
      ASSERT_LE(step.keep_end[0], 4 * (step.begin + step.size) - 10);
    }
    done = step.keep_end[0];
  }
  ASSERT_EQ(done, 4 * rows);
}

TEST(SlidingWindow, StepsCoverEveryRowOnceForAnySize) {
  const SlidingWindow window = window_with_halos();
  for (int64_t size = 9; size < 40; ++size) {
    for (int64_t rows = 1; rows < 150; ++rows) {
      for (int64_t first : {int64_t{0}, int64_t{9}, size}) {
        for (int64_t growth : {1, 2, 3}) {
          const auto steps = window_steps(window, rows, {size, first, growth});
          ASSERT_TRUE(steps);
          ASSERT_NO_FATAL_FAILURE(expect_cover(*steps, rows));
        }
      }
    }
  }
}

TEST(SlidingWindow, GrowingWindowsStartSmallAndEndWithTheRowsThatAreLeft) {
  const auto steps = window_steps(window_with_halos(), 100, {.size = 40, .first = 10, .growth = 2});
  ASSERT_TRUE(steps);
  std::vector<int64_t> sizes;
  for (const WindowStep& step : *steps) sizes.push_back(step.size);
  // Each begins with its left halo: at rows 0, 2, 14, 46 and 78.
  EXPECT_EQ(sizes, (std::vector<int64_t>{10, 20, 40, 40, 22}));
}

TEST(SlidingWindow, NothingToCutIsRefused) {
  const auto program =
      WindowedProgram::prepare(random_vocoder(1), cpu_options(), {.symbol = "frames", .size = 64});
  ASSERT_TRUE(program);
  EXPECT_EQ((*program)->schedule(0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE((*program)->run({}));
  EXPECT_FALSE((*program)->run({{"x", random_tensor({1, kChannels, 0}, 1)}}));
}

TEST(SlidingWindow, SoftmaxOverTimeIsRefusedByName) {
  graph::Graph graph;
  graph::Builder b(graph);
  const auto frames = graph.add_symbol("frames", {1, 4096});
  const auto x = b.input("x", Format::kF32, {1, 2, graph::Dim::symbol(frames)});
  b.output(b.softmax("weights", x));
  ASSERT_TRUE(b.finish());
  const auto window = derive_window(graph, frames);
  ASSERT_FALSE(window);
  EXPECT_EQ(window.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(window.error().message.find("weights (Softmax)"), std::string::npos);
}

TEST(SlidingWindow, ComputingWithTheLengthIsRefusedByName) {
  graph::Graph graph;
  graph::Builder b(graph);
  const auto frames = graph.add_symbol("frames", {1, 4096});
  const auto x = b.input("x", Format::kF32, {1, 2, graph::Dim::symbol(frames)});
  const auto shape = b.node("Shape", "shape", {x});
  const auto index = b.constant("index", Tensor::of<int64_t>({2}, {1}));
  const auto length = b.node("Gather", "length", {shape, index});
  const auto real = b.node("Cast", "real", {length}, {{"to", int64_t{1}}});
  b.output(b.node("Div", "mean", {x, real}));
  ASSERT_TRUE(b.finish());
  const auto window = derive_window(graph, frames);
  ASSERT_FALSE(window);
  EXPECT_NE(window.error().message.find("mean (Div)"), std::string::npos);
}

TEST(SlidingWindow, OnAFixedShapeDeviceGivesTheBitsOfTheCpu) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    ProgramOptions on_npu = cpu_options();
    on_npu.plan.devices.insert(on_npu.plan.devices.begin(), simnpu::make_simnpu_device().value());
    WindowedOptions windows{.symbol = "frames", .size = 64, .buckets = {48}};
    windows.fallback = cpu_options().plan;
    const auto npu = WindowedProgram::prepare(random_vocoder(seed), on_npu, windows);
    const auto cpu = WindowedProgram::prepare(random_vocoder(seed), cpu_options(), windows);
    ASSERT_TRUE(npu) << npu.error().message;
    ASSERT_TRUE(cpu) << cpu.error().message;
    int on_device = 0;
    for (const NodePlacement& placement : (*npu)->program().plan().placements) {
      on_device += placement.device == 0 ? 1 : 0;
    }
    EXPECT_GT(on_device, 3) << "seed " << seed;
    for (int64_t frames : {10, 50, 64, 150}) {
      const std::map<std::string, Tensor, std::less<>> inputs = {
          {"x", random_tensor({1, kChannels, frames}, seed)}};
      const auto theirs = (*npu)->run(inputs);
      const auto ours = (*cpu)->run_whole(inputs);
      ASSERT_TRUE(theirs) << theirs.error().message;
      ASSERT_TRUE(ours);
      EXPECT_EQ(values((*theirs)[0]), values((*ours)[0])) << "seed " << seed << " " << frames;
    }
  }
}

}  // namespace
}  // namespace tenwatt::engine
