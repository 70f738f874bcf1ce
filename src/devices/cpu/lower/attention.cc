// Attention over paged states, and attention over keys that are all visible. A step first writes
// the new rows into their pages, then shares out items of (slice, key/value head, block of query
// rows); what a row gets does not depend on who computes it or in which block it lies. Where a head
// is one item (a token that is generated), its rows are written by who attends to them, and nobody
// waits. A single row that sees many keys is split by chunks of keys, too, and its chunks are
// merged in the order in which one member would have merged them.
#include <algorithm>
#include <cmath>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/lower.h"
#include "devices/cpu/state_layout.h"

namespace tenwatt::cpu {
namespace {

using devices::kPageRows;
using devices::SliceView;
using devices::StateView;
using graph::ValueId;

/// Query rows of one item: one tile of the kernel.
constexpr int64_t kQueryRows = 16;
/// From this many chunks of keys on, splitting them is worth a barrier.
constexpr int64_t kSplitChunks = 4;
/// No memory beyond this is kept for the chunks of one row.
constexpr size_t kMostPartialBytes = size_t{64} << 20;

int64_t pages_for(int64_t rows) { return (rows + kPageRows - 1) / kPageRows; }

struct AttentionStep {
  const KernelTable* kernels;
  ValueId q, k, v, out;
  int64_t tokens, heads, kv_heads, head_dim, value_dim;
  float scale, softcap;
  int64_t window;
  KeyLimit limit;
  /// Indices of the states; absent: the rows see only themselves, in pages of scratch.
  std::optional<size_t> k_state, v_state;
  KvFormat format = KvFormat::kF32;
  int64_t most_chunks = 0;  ///< that there is room for in partials; 0: rows are never split

  size_t element() const { return format == KvFormat::kF16 ? 2 : 4; }
  size_t key_page_bytes() const {
    return element() * static_cast<size_t>(kv_heads * head_dim * 64);
  }
  size_t value_page_bytes() const {
    return element() * static_cast<size_t>(kv_heads * value_dim * 64);
  }
  bool stateless() const { return !k_state; }
  int64_t groups() const { return heads / kv_heads; }
  // Scratch of a split row: [kv head][chunk][head of the group] partials.
  size_t partial_bytes() const {
    return static_cast<size_t>(most_chunks * heads * partial_floats(value_dim)) * sizeof(float);
  }
  // Scratch of a stateless step: page pointers, key pages, value pages.
  size_t pointer_bytes() const {
    return align_up(2 * static_cast<size_t>(pages_for(tokens)) * sizeof(std::byte*));
  }
  size_t shared_bytes() const {
    if (!stateless()) return partial_bytes();
    return pointer_bytes() +
           static_cast<size_t>(pages_for(tokens)) * (key_page_bytes() + value_page_bytes());
  }
};

/// The pages of one slice from a kv head on, and the row at which its new rows start.
struct SlicePages {
  std::byte* const* keys;
  std::byte* const* values;
  size_t key_offset;
  size_t value_offset;
  int64_t committed;
};

SlicePages pages_of(const AttentionStep& step, const StepContext& context, const SliceView& slice,
                    int64_t head) {
  const size_t part = step.element() * static_cast<size_t>(head * kPageRows);
  const size_t key_part = part * static_cast<size_t>(step.head_dim);
  const size_t value_part = part * static_cast<size_t>(step.value_dim);
  if (!step.stateless()) {
    const StateView& keys = slice.states[*step.k_state];
    const StateView& values = slice.states[*step.v_state];
    return {keys.pages.data(), values.pages.data(), keys.offset + key_part,
            values.offset + value_part, keys.committed};
  }
  auto** pointers = reinterpret_cast<std::byte**>(context.shared_scratch);
  return {pointers, pointers + pages_for(step.tokens), key_part, value_part, 0};
}

/// A stateless step's page pointers; the same numbers whoever writes them.
void point_into_scratch(const AttentionStep& step, const StepContext& context) {
  auto** pointers = reinterpret_cast<std::byte**>(context.shared_scratch);
  const int64_t pages = pages_for(step.tokens);
  std::byte* keys = context.shared_scratch + step.pointer_bytes();
  std::byte* values = keys + static_cast<size_t>(pages) * step.key_page_bytes();
  for (int64_t p = 0; p < pages; ++p) {
    pointers[p] = keys + static_cast<size_t>(p) * step.key_page_bytes();
    pointers[pages + p] = values + static_cast<size_t>(p) * step.value_page_bytes();
  }
}

std::span<const SliceView> slices_of(const AttentionStep& step, const StepContext& context,
                                     SliceView& whole) {
  if (!step.stateless() && !context.run->slices.empty()) return context.run->slices;
  whole.rows = step.tokens;
  return {&whole, 1};
}

/// The rows [begin, end) of a slice, of kv heads [head, head + heads), into their pages.
void append(const AttentionStep& step, const StepContext& context, const SliceView& slice,
            int64_t begin, int64_t end, int64_t head, int64_t heads) {
  const SlicePages pages = pages_of(step, context, slice, head);
  const float* k = context.at<const float>(step.k) + head * step.head_dim;
  const float* v = context.at<const float>(step.v) + head * step.value_dim;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = pages.committed + row - slice.first_row;
    step.kernels->kv_append(
        {k + row * step.kv_heads * step.head_dim, v + row * step.kv_heads * step.value_dim, heads,
         step.head_dim, step.value_dim, pages.keys[at / kPageRows] + pages.key_offset,
         pages.values[at / kPageRows] + pages.value_offset, at % kPageRows, step.format});
  }
}

void append_rows(const AttentionStep& step, const StepContext& context,
                 std::span<const SliceView> slices) {
  const auto share = context.share(step.tokens);
  for (const SliceView& slice : slices) {
    const int64_t begin = std::max(share.begin, slice.first_row);
    const int64_t end = std::min(share.end, slice.first_row + slice.rows);
    append(step, context, slice, begin, end, 0, step.kv_heads);
  }
}

/// The job of rows [first, first + rows) of a slice and the heads of one kv head.
AttentionRows rows_of(const AttentionStep& step, const StepContext& context, const SliceView& slice,
                      int64_t head, int64_t first, int64_t rows) {
  const SlicePages pages = pages_of(step, context, slice, head);
  const int64_t groups = step.groups();
  const int64_t row = slice.first_row + first;
  AttentionRows a{};
  a.q = context.at<const float>(step.q) + (row * step.heads + head * groups) * step.head_dim;
  a.q_stride = step.heads * step.head_dim;
  a.rows = rows;
  a.position = pages.committed + first;
  a.groups = groups;
  a.head_dim = step.head_dim;
  a.value_dim = step.value_dim;
  a.key_pages = reinterpret_cast<const void* const*>(pages.keys);
  a.value_pages = reinterpret_cast<const void* const*>(pages.values);
  a.key_offset = pages.key_offset;
  a.value_offset = pages.value_offset;
  a.format = step.format;
  a.limit = step.limit;
  a.keys = pages.committed + slice.rows;
  a.window = step.window;
  a.scale = step.scale;
  a.softcap = step.softcap;
  a.out = context.at<float>(step.out) + (row * step.heads + head * groups) * step.value_dim;
  a.out_stride = step.heads * step.value_dim;
  a.scratch = reinterpret_cast<float*>(context.member_scratch);
  return a;
}

void attend_item(const AttentionStep& step, const StepContext& context, const SliceView& slice,
                 int64_t item) {
  const int64_t first = item / step.kv_heads * kQueryRows;
  const int64_t rows = std::min(kQueryRows, slice.rows - first);
  step.kernels->attention_rows(rows_of(step, context, slice, item % step.kv_heads, first, rows));
}

/// The chunks of keys [first, first + count) that the only row of a run sees.
struct SeenChunks {
  int64_t first;
  int64_t count;
};
SeenChunks seen_chunks(const AttentionStep& step, const SliceView& slice) {
  const int64_t end = slice.states[*step.k_state].committed + 1;
  const bool limited = step.limit == KeyLimit::kCausal && step.window > 0;
  const int64_t begin = limited ? std::max<int64_t>(0, end - step.window) : 0;
  const int64_t first = begin / kKeysPerChunk;
  return {first, (end + kKeysPerChunk - 1) / kKeysPerChunk - first};
}

void run_split(const AttentionStep& step, const StepContext& context, const SliceView& slice,
               SeenChunks chunks) {
  auto* partials = reinterpret_cast<float*>(context.shared_scratch);
  const int64_t floats = partial_floats(step.value_dim);
  const int64_t groups = step.groups();
  const auto share = context.share(step.kv_heads * chunks.count);
  for (int64_t item = share.begin; item < share.end;) {
    const int64_t head = item / chunks.count;
    const int64_t from = item % chunks.count;
    const int64_t to = std::min(chunks.count, from + share.end - item);
    if (to == chunks.count) append(step, context, slice, 0, 1, head, 1);
    AttentionRows a = rows_of(step, context, slice, head, 0, 1);
    a.partials = partials + item * groups * floats;
    a.chunk_begin = chunks.first + from;
    a.chunk_end = chunks.first + to;
    step.kernels->attention_rows(a);
    item += to - from;
  }
  if (!context.barrier()) return;
  const auto heads = context.share(step.heads);
  for (int64_t head = heads.begin; head < heads.end; ++head) {
    const int64_t first = head / groups * chunks.count * groups + head % groups;
    step.kernels->attention_join({partials + first * floats, groups * floats, chunks.count,
                                  step.value_dim,
                                  context.at<float>(step.out) + head * step.value_dim,
                                  reinterpret_cast<float*>(context.member_scratch)});
  }
}

void run_attention(const AttentionStep& step, StepContext& context) {
  SliceView whole;
  const auto slices = slices_of(step, context, whole);
  if (step.stateless()) {
    if (context.is_first()) point_into_scratch(step, context);
    if (!context.barrier()) return;
  }
  if (step.most_chunks > 0 && slices.size() == 1 && context.member.size() > 1) {
    const SeenChunks chunks = seen_chunks(step, slices[0]);
    if (chunks.count >= kSplitChunks && chunks.count <= step.most_chunks) {
      return run_split(step, context, slices[0], chunks);
    }
  }
  const bool one_item = !step.stateless() && std::ranges::all_of(slices, [](const SliceView& s) {
    return s.rows <= kQueryRows;
  });
  if (!one_item) {
    append_rows(step, context, slices);
    if (!context.barrier()) return;
  }
  const int64_t stride = context.crew == Crew::kSolo ? 1 : context.member.size();
  int64_t next = context.crew == Crew::kSolo ? 0 : context.member.index();
  int64_t before = 0;  // items of earlier slices
  for (const SliceView& slice : slices) {
    const int64_t items = step.kv_heads * ((slice.rows + kQueryRows - 1) / kQueryRows);
    for (; next < before + items; next += stride) {
      if (one_item) {
        append(step, context, slice, slice.first_row, slice.first_row + slice.rows, next - before,
               1);
      }
      attend_item(step, context, slice, next - before);
    }
    before += items;
  }
}

/// What the run promises about slices and pages; checked by member 0's thread before the step
/// reads any of it.
Status check_slices(const AttentionStep& step, const devices::RunContext& run) {
  if (step.stateless()) return {};
  int64_t rows = 0;
  for (const SliceView& slice : run.slices) {
    if (slice.first_row != rows || slice.rows < 0 || slice.states.size() <= *step.k_state ||
        slice.states.size() <= *step.v_state) {
      return fail(ErrorCode::kInvalidArgument,
                  "the slices of a run must tile its rows and carry "
                  "every state");
    }
    for (size_t state : {*step.k_state, *step.v_state}) {
      const StateView& view = slice.states[state];
      const int64_t pages = pages_for(view.committed + slice.rows);
      if (view.committed < 0 || static_cast<int64_t>(view.pages.size()) < pages) {
        return fail(ErrorCode::kInvalidArgument, "the pages of a state don't cover the run's rows");
      }
    }
    rows += slice.rows;
  }
  if (rows != step.tokens) {
    return fail(ErrorCode::kInvalidArgument, "the slices of a run cover " + std::to_string(rows) +
                                                 " of " + std::to_string(step.tokens) + " rows");
  }
  return {};
}

Result<std::optional<Lowered>> lower_attention(const LowerInput& input) {
  const Shape& q = input.in_shape(0);
  const Shape& k = input.in_shape(1);
  const Shape& v = input.in_shape(2);
  const bool fits = q.size() == 3 && k.size() == 3 && v.size() == 3 && k[1] > 0 &&
                    q[1] % k[1] == 0 && q[2] == k[2] && k[1] == v[1] && q[0] == k[0];
  if (!fits || input.in_format(0) != Format::kF32) {
    return fail(ErrorCode::kUnsupported,
                "attention over q " + to_string(q) + ", k " + to_string(k) + ", v " + to_string(v));
  }
  const graph::Node& node = input.node;
  AttentionStep a{};
  a.kernels = input.setup.kernels;
  a.q = input.in(0);
  a.k = input.in(1);
  a.v = input.in(2);
  a.out = input.out();
  a.tokens = q[0];
  a.heads = q[1];
  a.kv_heads = k[1];
  a.head_dim = q[2];
  a.value_dim = v[2];
  a.scale = node.real("scale", 1.0f / std::sqrt(static_cast<float>(q[2])));
  a.softcap = node.real("softcap", 0);
  a.window = node.integer("window", 0);
  a.limit = node.integer("causal", 1) ? KeyLimit::kCausal : KeyLimit::kAll;
  const std::string k_name = node.text("k_state", "");
  const std::string v_name = node.text("v_state", "");
  if (!k_name.empty() || !v_name.empty()) {
    a.k_state = input.graph.find_state(k_name);
    a.v_state = input.graph.find_state(v_name);
    if (!a.k_state || !a.v_state) {
      return fail(ErrorCode::kInvalidArgument, "the graph has no state " + k_name + ", " + v_name);
    }
    const graph::State& state = input.graph.states[*a.k_state];
    a.format = TENWATT_TRY(kv_format(state.format));
    if (input.graph.states[*a.v_state].format != state.format) {
      return fail(ErrorCode::kUnsupported, "the states of keys and values differ in format");
    }
    const auto capacity = state.rows.evaluate(input.bindings);
    if (a.tokens == 1 && capacity) {
      a.most_chunks = (*capacity + kKeysPerChunk - 1) / kKeysPerChunk;
      if (a.partial_bytes() > kMostPartialBytes) a.most_chunks = 0;
    }
  }
  Step step;
  step.kernel = std::string("attention_rows ") + a.kernels->name;
  step.shared_scratch = a.shared_bytes();
  step.member_scratch = attention_scratch_floats(a.value_dim) * sizeof(float);
  step.check = [a](const devices::RunContext& run) { return check_slices(a, run); };
  step.run = [a](StepContext& context) { run_attention(a, context); };
  Lowered lowered;
  lowered.reads = {a.q, a.k, a.v};
  lowered.step = std::move(step);
  return lowered;
}

// ---- CrossAttention --------------------------------------------------------------------------

struct CrossStep {
  const KernelTable* kernels;
  ValueId q, k, v, out;
  int64_t tokens, heads, head_dim, value_dim, rows;
  float scale;

  int64_t pages() const { return pages_for(rows); }
  int64_t blocks() const { return (tokens + kQueryRows - 1) / kQueryRows; }
  /// Keys and values are packed once for many blocks of queries; a single block packs as it goes.
  bool packs() const { return blocks() > 1; }
  size_t key_floats() const { return packed_keys_floats(rows, head_dim); }
  size_t head_floats() const { return key_floats() + static_cast<size_t>(rows * value_dim); }
};

/// Keys into pages, and each head's values into one piece: rows of all heads lie a power of two
/// apart, where the rows of one head compete for the same cache sets.
void pack_heads(const CrossStep& step, const StepContext& context) {
  auto* packed = reinterpret_cast<float*>(context.shared_scratch);
  const float* k = context.at<const float>(step.k);
  const float* v = context.at<const float>(step.v);
  const auto share = context.share(step.heads * step.pages());
  for (int64_t item = share.begin; item < share.end; ++item) {
    const int64_t head = item / step.pages();
    const int64_t first = item % step.pages() * kPageRows;
    const int64_t count = std::min(kPageRows, step.rows - first);
    const int64_t stride = step.heads * step.head_dim;
    float* keys = packed + static_cast<size_t>(head) * step.head_floats();
    step.kernels->pack_keys(k + first * stride + head * step.head_dim, stride, count, step.head_dim,
                            keys + first * step.head_dim);
    float* values = keys + step.key_floats() + first * step.value_dim;
    for (int64_t row = 0; row < count; ++row) {
      const float* from = v + ((first + row) * step.heads + head) * step.value_dim;
      std::copy_n(from, step.value_dim, values + row * step.value_dim);
    }
  }
}

void run_cross(const CrossStep& step, StepContext& context) {
  if (step.packs()) {
    pack_heads(step, context);
    if (!context.barrier()) return;
  }
  const auto* packed = reinterpret_cast<const float*>(context.shared_scratch);
  const auto share = context.share(step.heads * step.blocks());
  for (int64_t item = share.begin; item < share.end; ++item) {
    const int64_t head = item / step.blocks();
    const int64_t row = item % step.blocks() * kQueryRows;
    CrossAttention c{};
    c.q = context.at<const float>(step.q) + (row * step.heads + head) * step.head_dim;
    c.q_stride = step.heads * step.head_dim;
    c.rows = std::min(kQueryRows, step.tokens - row);
    c.head_dim = step.head_dim;
    c.value_dim = step.value_dim;
    if (step.packs()) {
      c.keys = packed + static_cast<size_t>(head) * step.head_floats();
      c.v = c.keys + step.key_floats();
      c.v_stride = step.value_dim;
    } else {
      c.k = context.at<const float>(step.k) + head * step.head_dim;
      c.k_stride = step.heads * step.head_dim;
      c.v = context.at<const float>(step.v) + head * step.value_dim;
      c.v_stride = step.heads * step.value_dim;
    }
    c.key_rows = step.rows;
    c.scale = step.scale;
    c.out = context.at<float>(step.out) + (row * step.heads + head) * step.value_dim;
    c.out_stride = step.heads * step.value_dim;
    c.scratch = reinterpret_cast<float*>(context.member_scratch);
    step.kernels->cross_attention(c);
  }
}

Result<std::optional<Lowered>> lower_cross_attention(const LowerInput& input) {
  const Shape& q = input.in_shape(0);
  const Shape& k = input.in_shape(1);
  const Shape& v = input.in_shape(2);
  const bool fits = q.size() == 3 && k.size() == 3 && v.size() == 3 && q[1] == k[1] &&
                    k[1] == v[1] && q[2] == k[2] && k[0] == v[0] && k[0] > 0;
  const bool floats = input.in_format(0) == Format::kF32 && input.in_format(1) == Format::kF32 &&
                      input.in_format(2) == Format::kF32;
  if (!fits || !floats) return std::optional<Lowered>();
  const float scale = input.node.real("scale", 1.0f / std::sqrt(static_cast<float>(q[2])));
  const CrossStep c{input.setup.kernels,
                    input.in(0),
                    input.in(1),
                    input.in(2),
                    input.out(),
                    q[0],
                    q[1],
                    q[2],
                    v[2],
                    k[0],
                    scale};
  Step step;
  step.kernel = std::string("cross_attention ") + c.kernels->name;
  if (c.packs()) {
    step.shared_scratch = static_cast<size_t>(c.heads) * c.head_floats() * sizeof(float);
  }
  step.member_scratch = cross_scratch_floats(c.head_dim, c.value_dim) * sizeof(float);
  step.run = [c](StepContext& context) { run_cross(c, context); };
  Lowered lowered;
  lowered.reads = {c.q, c.k, c.v};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Attention", "attention_rows", lower_attention},
    {"CrossAttention", "cross_attention", lower_cross_attention},
    {"SelfAttention", "cross_attention", lower_cross_attention},
};

}  // namespace

std::span<const OperatorRow> attention_operators() { return kRows; }

}  // namespace tenwatt::cpu
