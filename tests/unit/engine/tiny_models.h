// Small graphs with seeded random weights for the engine's tests.
#pragma once

#include <cmath>
#include <string>

#include "base/random.h"
#include "devices/cpu/cpu_device.h"
#include "engine/program.h"
#include "graph/ir/builder.h"

namespace tenwatt::engine::testing {

inline Tensor random_tensor(Shape shape, uint64_t seed, float scale = 1.0f) {
  Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
  Random random(seed);
  for (float& value : tensor.mutable_values<float>()) {
    value = scale * static_cast<float>(random.normal());
  }
  return tensor;
}

/// The same values in a block format.
inline Tensor encoded(const Tensor& tensor, Format format) {
  Tensor block = Tensor::create(format, tensor.shape()).value();
  info(format).encode(tensor.values<float>(), block.mutable_bytes());
  return block;
}

inline constexpr int64_t kVocabulary = 96;

/// Two layers of a llama, with grouped queries, a tied table and block weights.
inline graph::Graph tiny_llama(int64_t max_rows = 64, int64_t context = 512) {
  constexpr int64_t kWidth = 64;
  constexpr int64_t kHeads = 4;
  constexpr int64_t kKvHeads = 2;
  constexpr int64_t kHeadDim = 16;
  constexpr int64_t kInner = 96;
  graph::Graph graph;
  graph.name = "tiny-llama";
  graph::Builder b(graph);
  const auto tokens_symbol = graph.add_symbol("tokens", {1, max_rows});
  const auto wanted_symbol = graph.add_symbol("wanted", {0, max_rows});
  graph.tokens = tokens_symbol;
  graph.wanted = wanted_symbol;
  const graph::Dim tokens = graph::Dim::symbol(tokens_symbol);
  const auto ids = b.input("ids", Format::kI32, {tokens});
  const auto positions = b.input("positions", Format::kI32, {tokens});
  const auto rows = b.input("wanted_rows", Format::kI32, {graph::Dim::symbol(wanted_symbol)});
  uint64_t seed = 1;
  const auto matrix = [&](const std::string& name, int64_t out, int64_t in, Format format) {
    const float scale = 1.0f / std::sqrt(static_cast<float>(in));
    return b.constant(name, encoded(random_tensor({out, in}, seed++, scale), format));
  };
  const auto norm = [&](const std::string& name, graph::ValueId x) {
    return b.rms_norm(name, x, b.constant(name + ".weight", random_tensor({kWidth}, seed++)),
                      1e-5f);
  };
  const auto table = matrix("table", kVocabulary, kWidth, Format::kQ8_0);
  auto hidden = b.embedding("embedding", ids, table);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string name = "layer" + std::to_string(layer);
    const auto normed = norm(name + ".norm", hidden);
    const auto heads = [&](const std::string& part, int64_t count) {
      const auto flat =
          b.linear(part, normed, matrix(part + ".weight", count * kHeadDim, kWidth, Format::kQ4_1));
      return b.reshape(part + ".heads", flat, {tokens, count, kHeadDim});
    };
    const graph::RotaryOptions rotary{
        .base = 10000, .rotary_dim = kHeadDim, .pairs = graph::RotaryOptions::Pairs::kInterleaved};
    const auto q = b.rotary(name + ".q_rope", heads(name + ".q", kHeads), positions, rotary);
    const auto k = b.rotary(name + ".k_rope", heads(name + ".k", kKvHeads), positions, rotary);
    const auto v = heads(name + ".v", kKvHeads);
    for (const char* part : {".key", ".value"}) {
      graph::State state;
      state.name = name + part;
      state.format = Format::kF16;
      state.row = {kKvHeads, kHeadDim};
      state.rows = context;
      graph.states.push_back(state);
    }
    const auto mixed =
        b.attention(name + ".attention", q, k, v,
                    {.scale = 0.25f, .k_state = name + ".key", .v_state = name + ".value"});
    const auto flat = b.reshape(name + ".flat", mixed, {tokens, kHeads * kHeadDim});
    const auto out =
        b.linear(name + ".out", flat,
                 matrix(name + ".out.weight", kWidth, kHeads * kHeadDim, Format::kQ4_0));
    const auto middle = b.add(name + ".residual", hidden, out);
    const auto ffn =
        b.gated_feed_forward(name + ".ffn", norm(name + ".ffn_norm", middle),
                             matrix(name + ".gate", kInner, kWidth, Format::kQ4_1),
                             matrix(name + ".up", kInner, kWidth, Format::kQ4_1),
                             matrix(name + ".down", kWidth, kInner, Format::kQ4_1), "silu");
    hidden = b.add(name + ".ffn_residual", middle, ffn);
  }
  const auto last = b.gather_rows("last", hidden, rows);
  b.output(b.linear("logits", norm("final_norm", last), table));
  EXPECT_TRUE(b.finish());
  return graph;
}

inline ProgramOptions cpu_options(int threads = 2) {
  ProgramOptions options;
  options.plan.devices = {cpu::make_cpu_device().value()};
  options.team = std::make_shared<Team>(threads);
  return options;
}

inline std::shared_ptr<Program> prepare(graph::Graph graph, ProgramOptions options) {
  auto program = Program::prepare(std::move(graph), std::move(options));
  EXPECT_TRUE(program) << program.error().message;
  return *program;
}

}  // namespace tenwatt::engine::testing
