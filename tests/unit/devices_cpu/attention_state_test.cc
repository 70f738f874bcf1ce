// A language model's layer over paged states: whatever the pieces in which the tokens arrive, and
// whoever else is in the batch, a row's bits are the same and equal the reference on the whole
// sequence within rounding.
#include <algorithm>

#include "device_support.h"

namespace tenwatt::cpu::testing {
namespace {

using devices::SliceView;
using devices::StateView;
using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::ValueId;

constexpr int64_t kHeads = 6;
constexpr int64_t kKvHeads = 2;
constexpr int64_t kWidth = 32;
constexpr int64_t kModel = 64;
constexpr int64_t kVocabulary = 90;
constexpr int64_t kMaxTokens = 512;

struct ModelOptions {
  Format weights = Format::kQ8_0;
  Format states = Format::kF32;
  int64_t window = 0;
};

/// One transformer layer with embedding and tied output: ids, positions [tokens] -> logits.
Graph one_layer(const ModelOptions& options) {
  std::mt19937 random(42);
  Graph graph;
  const graph::SymbolId n = graph.add_symbol("tokens", {1, kMaxTokens});
  graph.tokens = n;
  const Dim tokens = Dim::symbol(n);
  for (const char* name : {"layer.0.keys", "layer.0.values"}) {
    graph::State state;
    state.name = name;
    state.format = options.states;
    state.row = {kKvHeads, kWidth};
    state.rows = kMaxTokens;
    graph.states.push_back(state);
  }
  Builder build(graph);
  const auto matrix = [&](const char* name, int64_t rows, int64_t columns) {
    return build.constant(
        name, encoded(random_tensor(random, {rows, columns}, -0.3f, 0.3f), options.weights));
  };
  const auto vector = [&](const char* name) {
    return build.constant(name, random_tensor(random, {kModel}, 0.5f, 1.5f));
  };
  const ValueId ids = build.input("ids", Format::kI32, {tokens});
  const ValueId positions = build.input("positions", Format::kI32, {tokens});
  const ValueId table = matrix("table", kVocabulary, kModel);
  const ValueId x = build.embedding("embedded", ids, table);
  const ValueId h = build.rms_norm("norm", x, vector("norm.weight"), 1e-5f);
  const auto heads = [&](const char* name, int64_t count) {
    const ValueId y =
        build.linear(name, h, matrix((std::string(name) + ".w").c_str(), count * kWidth, kModel));
    return build.reshape(std::string(name) + ".heads", y, {tokens, count, kWidth});
  };
  const ValueId q = build.rotary("q.rotary", heads("q", kHeads), positions, {});
  const ValueId k = build.rotary("k.rotary", heads("k", kKvHeads), positions, {});
  const ValueId v = heads("v", kKvHeads);
  const ValueId a = build.attention("attention", q, k, v,
                                    {.scale = 0.177f,
                                     .k_state = "layer.0.keys",
                                     .v_state = "layer.0.values",
                                     .window = options.window});
  const ValueId o = build.linear("o", build.reshape("a.flat", a, {tokens, kHeads * kWidth}),
                                 matrix("o.w", kModel, kHeads * kWidth));
  const ValueId r = build.add("residual", x, o);
  const ValueId f = build.gated_feed_forward(
      "ffn", build.rms_norm("norm2", r, vector("norm2.weight"), 1e-5f), matrix("gate", 96, kModel),
      matrix("up", 96, kModel), matrix("down", kModel, 96));
  build.output(build.linear("logits", build.add("sum", r, f), table));
  EXPECT_TRUE(build.finish().has_value());
  return graph;
}

/// A sequence's pages, as the engine would keep them.
struct Sequence {
  Sequence(const devices::StateLayout& layout, const Graph& graph) {
    size_t bytes = 0;
    for (const graph::State& state : graph.states) {
      offsets.push_back(bytes);
      bytes += layout.page_bytes(state);
    }
    for (int64_t page = 0; page * devices::kPageRows < kMaxTokens; ++page) {
      memory.push_back(HugeBuffer::allocate(bytes).value());
      pages.push_back(memory.back().data());
    }
  }
  std::vector<StateView> views() const {
    std::vector<StateView> result;
    for (size_t offset : offsets) result.push_back({pages, offset, committed, nullptr});
    return result;
  }

  std::vector<size_t> offsets;
  std::vector<HugeBuffer> memory;
  std::vector<std::byte*> pages;
  int64_t committed = 0;
};

/// What one slice of a batch adds.
struct Piece {
  Sequence* sequence;
  std::vector<int32_t> ids;
};

/// Runs the pieces as one batch and commits them; logits of each.
std::vector<std::vector<float>> run_batch(Loaded& loaded, std::vector<Piece> pieces, Team& team) {
  std::vector<int32_t> ids;
  std::vector<int32_t> positions;
  std::vector<std::vector<StateView>> views;
  std::vector<SliceView> slices;
  for (const Piece& piece : pieces) views.push_back(piece.sequence->views());
  for (size_t i = 0; i < pieces.size(); ++i) {
    const int64_t committed = pieces[i].sequence->committed;
    slices.push_back({static_cast<int64_t>(ids.size()), static_cast<int64_t>(pieces[i].ids.size()),
                      committed, views[i]});
    for (size_t row = 0; row < pieces[i].ids.size(); ++row) {
      ids.push_back(pieces[i].ids[row]);
      positions.push_back(static_cast<int32_t>(committed) + static_cast<int32_t>(row));
    }
  }
  devices::RunContext context;
  context.slices = slices;
  const Shape shape = {static_cast<int64_t>(ids.size())};
  const auto results = run_once(loaded,
                                {{"ids", Tensor::of<int32_t>(ids, shape)},
                                 {"positions", Tensor::of<int32_t>(positions, shape)}},
                                team, context);
  EXPECT_TRUE(results.has_value()) << (results ? "" : results.error().message);
  std::vector<std::vector<float>> logits;
  if (!results) return logits;
  const auto all = results->at("logits").values<float>();
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto rows = all.subspan(static_cast<size_t>(slices[i].first_row * kVocabulary),
                                  static_cast<size_t>(slices[i].rows * kVocabulary));
    logits.emplace_back(rows.begin(), rows.end());
    pieces[i].sequence->committed += slices[i].rows;
  }
  return logits;
}

std::vector<int32_t> some_ids(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(count);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % kVocabulary);
  return ids;
}

std::vector<float> in_pieces(Loaded& loaded, const std::vector<int32_t>& ids, size_t piece,
                             Team& team) {
  Sequence sequence(*loaded.device->state_layout(), loaded.graph);
  std::vector<float> logits;
  for (size_t at = 0; at < ids.size(); at += piece) {
    const size_t end = std::min(ids.size(), at + piece);
    const auto part = run_batch(
        loaded,
        {{&sequence,
          {ids.begin() + static_cast<ptrdiff_t>(at), ids.begin() + static_cast<ptrdiff_t>(end)}}},
        team);
    if (part.empty()) return {};
    logits.insert(logits.end(), part[0].begin(), part[0].end());
  }
  return logits;
}

Tensor whole_by_reference(const Graph& graph, const std::vector<int32_t>& ids) {
  std::vector<int32_t> positions(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) positions[i] = static_cast<int32_t>(i);
  const Shape shape = {static_cast<int64_t>(ids.size())};
  return graph::evaluate(graph, {{"ids", Tensor::of<int32_t>(ids, shape)},
                                 {"positions", Tensor::of<int32_t>(positions, shape)}})
      .value()
      .at("logits");
}

TEST(PagedAttention, PiecesOfAnySizeGiveTheSameBits) {
  const auto ids = some_ids(300, 1);
  for (Level level : usable_levels()) {
    for (Format states : {Format::kF32, Format::kF16}) {
      Loaded loaded = load_on_cpu(one_layer({.states = states}), level);
      Team team(2);
      const auto whole = in_pieces(loaded, ids, 300, team);
      ASSERT_FALSE(whole.empty());
      for (size_t piece : {1, 7, 16, 17, 33, 128}) {
        EXPECT_EQ(in_pieces(loaded, ids, piece, team), whole)
            << level_name(level) << " pieces of " << piece;
      }
    }
  }
}

TEST(PagedAttention, EqualsTheReferenceOnTheWholeSequence) {
  const auto ids = some_ids(200, 2);
  for (int64_t window : {0, 40}) {
    const Graph graph = one_layer({.weights = Format::kF32, .window = window});
    const Tensor expected = whole_by_reference(graph, ids);
    for (Level level : usable_levels()) {
      Loaded loaded = load_on_cpu(graph, level);
      Team team(2);
      const auto logits = in_pieces(loaded, ids, 33, team);
      ASSERT_FALSE(logits.empty());
      const Tensor got = Tensor::of<float>(logits, expected.shape());
      EXPECT_LE(relative_error(got, expected), 2e-4) << level_name(level) << " " << window;
    }
  }
}

TEST(PagedAttention, ARowDoesNotSeeTheOtherSlicesOfItsBatch) {
  Loaded loaded = load_on_cpu(one_layer({}));
  const auto a = some_ids(100, 3);
  const auto b = some_ids(37, 4);
  const auto c = some_ids(1, 5);
  Team team(3);
  const auto alone_a = in_pieces(loaded, a, 100, team);
  const auto alone_b = in_pieces(loaded, b, 37, team);
  const auto alone_c = in_pieces(loaded, c, 1, team);
  Sequence sa(*loaded.device->state_layout(), loaded.graph);
  Sequence sb(*loaded.device->state_layout(), loaded.graph);
  Sequence sc(*loaded.device->state_layout(), loaded.graph);
  // a is 60 tokens ahead of the others.
  auto first = run_batch(loaded, {{&sa, {a.begin(), a.begin() + 60}}}, team);
  const auto rest = run_batch(loaded, {{&sa, {a.begin() + 60, a.end()}}, {&sb, b}, {&sc, c}}, team);
  ASSERT_EQ(rest.size(), 3u);
  first[0].insert(first[0].end(), rest[0].begin(), rest[0].end());
  EXPECT_EQ(first[0], alone_a);
  EXPECT_EQ(rest[1], alone_b);
  EXPECT_EQ(rest[2], alone_c);
}

TEST(PagedAttention, BitsDoNotDependOnMembers) {
  Loaded loaded = load_on_cpu(one_layer({.weights = Format::kQ4_1, .states = Format::kF16}));
  const auto ids = some_ids(150, 6);
  Team alone(1);
  const auto expected = in_pieces(loaded, ids, 50, alone);
  for (int members : {2, 3, 7}) {
    Team team(members);
    EXPECT_EQ(in_pieces(loaded, ids, 50, team), expected) << members;
  }
}

TEST(PagedAttention, ARowThatSeesManyKeysIsSplitWithoutAnyoneNoticing) {
  const auto ids = some_ids(430, 11);
  for (Level level : usable_levels()) {
    for (int64_t window : {0, 400}) {
      Loaded loaded = load_on_cpu(one_layer({.states = Format::kF16, .window = window}), level);
      Team alone(1);
      const auto whole = in_pieces(loaded, ids, 430, alone);
      for (int members : {1, 2, 3, 7}) {
        Team team(members);
        Sequence sequence(*loaded.device->state_layout(), loaded.graph);
        run_batch(loaded, {{&sequence, {ids.begin(), ids.begin() + 420}}}, team);
        for (size_t row = 420; row < ids.size(); ++row) {
          const auto logits = run_batch(loaded, {{&sequence, {ids[row]}}}, team);
          ASSERT_EQ(logits.size(), 1u);
          const auto expected = std::span(whole).subspan(row * kVocabulary, kVocabulary);
          EXPECT_TRUE(std::ranges::equal(logits[0], expected))
              << level_name(level) << ", " << members << " members, row " << row;
        }
      }
    }
  }
}

TEST(PagedAttention, RefusesPagesThatDoNotCoverTheRows) {
  Loaded loaded = load_on_cpu(one_layer({}));
  Sequence sequence(*loaded.device->state_layout(), loaded.graph);
  sequence.pages.resize(1);
  std::vector<StateView> views = sequence.views();
  const SliceView slice{0, 70, 0, views};
  devices::RunContext context;
  context.slices = {&slice, 1};
  Team team(1);
  const auto ids = some_ids(70, 7);
  const Tensors inputs = {{"ids", Tensor::of<int32_t>(ids, {70})},
                          {"positions", Tensor::of<int32_t>(ids, {70})}};
  const auto results = run_once(loaded, inputs, team, context);
  ASSERT_FALSE(results.has_value());
  EXPECT_EQ(results.error().code, ErrorCode::kInvalidArgument);
}

TEST(StateLayout, CanonicalFormSurvivesTheRoundTrip) {
  std::mt19937 random(8);
  for (Format format : {Format::kF32, Format::kF16}) {
    Loaded loaded = load_on_cpu(one_layer({.states = format}));
    const devices::StateLayout& layout = *loaded.device->state_layout();
    for (const graph::State& state : loaded.graph.states) {
      const int64_t rows = 41;
      Tensor in = random_tensor(random, {rows, kKvHeads, kWidth});
      if (format == Format::kF16) in = encoded(in, format).to_f32().value();
      std::vector<std::byte> page(layout.page_bytes(state));
      ASSERT_TRUE(layout.from_canonical(state, in.values<float>(), rows, page.data()));
      Tensor out = Tensor::create(Format::kF32, in.shape()).value();
      ASSERT_TRUE(layout.to_canonical(state, page.data(), rows, out.mutable_values<float>()));
      EXPECT_TRUE(same_bits(in, out));
    }
  }
}

TEST(StateLayout, RowsThatAttentionWroteReadBackInTheirOrder) {
  const auto ids = some_ids(70, 9);
  Loaded loaded = load_on_cpu(one_layer({}));
  Sequence sequence(*loaded.device->state_layout(), loaded.graph);
  Team team(2);
  devices::RunContext context;
  Tensors seen;
  const ValueId tapped[] = {*loaded.graph.find_value("k.rotary"),
                            *loaded.graph.find_value("v.heads")};
  auto views = sequence.views();
  const SliceView slice{0, 70, 0, views};
  context.slices = {&slice, 1};
  context.tapped = tapped;
  context.tap = [&](ValueId id, const Shape& shape, std::span<const std::byte> bytes) {
    seen[loaded.graph.value(id).name] = Tensor::wrap(Format::kF32, shape, bytes, nullptr)->clone();
  };
  std::vector<int32_t> positions(70);
  for (size_t i = 0; i < 70; ++i) positions[i] = static_cast<int32_t>(i);
  ASSERT_TRUE(run_once(loaded,
                       {{"ids", Tensor::of<int32_t>(ids, {70})},
                        {"positions", Tensor::of<int32_t>(positions, {70})}},
                       team, context));
  const std::string names[] = {"k.rotary", "v.heads"};
  for (size_t s = 0; s < 2; ++s) {
    const auto rows = seen.at(names[s]).values<float>();
    std::vector<float> page(static_cast<size_t>(64 * kKvHeads * kWidth));
    ASSERT_TRUE(loaded.device->state_layout()->to_canonical(
        loaded.graph.states[s], sequence.pages[0] + sequence.offsets[s], 64, page));
    EXPECT_TRUE(std::ranges::equal(page, rows.first(page.size()))) << names[s];
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
