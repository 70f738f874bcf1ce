// Our own operators on sequences (own_operators.md): extents are [tokens, ...] without a batch.
#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

Status need_rank(Inference& in, size_t input, int64_t rank, std::string_view name) {
  if (in.rank(input) == rank) return {};
  return in.wrong(std::string(name) + " needs " + std::to_string(rank) + " axes; " + in.shapes());
}

/// The values that kernels compute in: block formats are for weights.
Format result_format(const Inference& in, size_t input) {
  const FormatKind kind = info(in.format(input)).kind;
  return kind == FormatKind::kFloat ? in.format(input) : Format::kF32;
}

Status linear(Inference& in) {
  TENWATT_TRY(need_rank(in, 1, 2, "the weight"));
  if (in.rank(0) < 1) return in.wrong("it takes no scalars; " + in.shapes());
  TENWATT_TRY(in.same(in.shape(0).back(), in.shape(1)[1], "the inner extents"));
  if (in.has(2)) {
    TENWATT_TRY(need_rank(in, 2, 1, "the bias"));
    TENWATT_TRY(in.same(in.shape(2)[0], in.shape(1)[0], "bias and output extents"));
  }
  Dims shape = in.shape(0);
  shape.back() = in.shape(1)[0];
  in.set(0, result_format(in, 0), std::move(shape));
  return {};
}

Status rms_norm(Inference& in) {
  TENWATT_TRY(need_rank(in, 1, 1, "the weight"));
  if (in.rank(0) < 1) return in.wrong("it takes no scalars; " + in.shapes());
  TENWATT_TRY(in.same(in.shape(0).back(), in.shape(1)[0], "extents of the input and its weight"));
  in.set(0, in.format(0), in.shape(0));
  return {};
}

Status rotary_embedding(Inference& in) {
  TENWATT_TRY(need_rank(in, 0, 3, "x"));
  TENWATT_TRY(need_rank(in, 1, 1, "positions"));
  TENWATT_TRY(in.same(in.shape(0)[0], in.shape(1)[0], "rows and positions"));
  const auto head = in.shape(0)[2].constant();
  const int64_t rotated = in.node().integer("rotary_dim", 0);
  if (!head || *head % 2 != 0 || rotated < 0 || rotated > *head || rotated % 2 != 0)
    return in.wrong("heads and rotary_dim must be even, and it at most the head; " + in.shapes());
  if (in.has(2)) {
    TENWATT_TRY(in.same(in.count(in.shape(2)), (rotated == 0 ? *head : rotated) / 2,
                        "its factors and half of what it rotates"));
  }
  in.set(0, in.format(0), in.shape(0));
  return {};
}

/// q [tokens, heads, d], k [rows, kv_heads, d], v [rows, kv_heads, dv] -> [tokens, heads, dv].
Status attend(Inference& in) {
  TENWATT_TRY(need_rank(in, 0, 3, "q"));
  TENWATT_TRY(need_rank(in, 1, 3, "k"));
  TENWATT_TRY(need_rank(in, 2, 3, "v"));
  const Dims& q = in.shape(0);
  const Dims& k = in.shape(1);
  const Dims& v = in.shape(2);
  TENWATT_TRY(in.same(q[2], k[2], "head extents of q and k"));
  TENWATT_TRY(in.same(k[0], v[0], "rows of k and v"));
  TENWATT_TRY(in.same(k[1], v[1], "heads of k and v"));
  if (Dim::floor_div(q[1], k[1]) * k[1] != q[1])
    return in.wrong("the heads of q are no multiple of those of k; " + in.shapes());
  in.set(0, in.format(0), {q[0], q[1], v[2]});
  return {};
}

/// The states that a node names must be append states with rows of its k and v.
Status attention(Inference& in) {
  TENWATT_TRY(attend(in));
  TENWATT_TRY(in.same(in.shape(0)[0], in.shape(1)[0], "rows of q and k"));
  const std::string_view keys[] = {"k_state", "v_state"};
  for (size_t i = 0; i < 2; ++i) {
    const std::string name = in.node().text(keys[i], "");
    if (name.empty()) continue;
    const auto index = in.graph().find_state(name);
    if (!index || in.graph().states[*index].kind != StateKind::kAppend)
      return in.wrong("there is no append state '" + name + "'");
    const Dims& row = in.graph().states[*index].row;
    const Dims wanted(in.shape(i + 1).begin() + 1, in.shape(i + 1).end());
    if (row != wanted)
      return in.wrong("rows of the state '" + name + "' have another shape; " + in.shapes());
  }
  return {};
}

Status gated_feed_forward(Inference& in) {
  for (const size_t weight : {size_t{1}, size_t{2}, size_t{3}})
    TENWATT_TRY(need_rank(in, weight, 2, "a weight"));
  if (in.rank(0) < 1) return in.wrong("it takes no scalars; " + in.shapes());
  TENWATT_TRY(in.same(in.shape(0).back(), in.shape(1)[1], "the inner extents"));
  TENWATT_TRY(in.same(in.shape(1)[0], in.shape(2)[0], "rows of gate and up"));
  TENWATT_TRY(in.same(in.shape(1)[1], in.shape(2)[1], "columns of gate and up"));
  TENWATT_TRY(in.same(in.shape(3)[1], in.shape(1)[0], "columns of down and rows of gate"));
  Dims shape = in.shape(0);
  shape.back() = in.shape(3)[0];
  in.set(0, result_format(in, 0), std::move(shape));
  return {};
}

Status embedding(Inference& in) {
  TENWATT_TRY(need_rank(in, 1, 2, "the table"));
  if (info(in.format(0)).kind != FormatKind::kInteger)
    return in.wrong("its ids must be integers; " + in.shapes());
  Dims shape = in.shape(0);
  shape.push_back(in.shape(1)[1]);
  in.set(0, Format::kF32, std::move(shape));
  return {};
}

constexpr Schema kRows[] = {
    {"Attention", 3, 3, 1, attention},
    {"CrossAttention", 3, 3, 1, attend},
    {"Embedding", 2, 2, 1, embedding},
    {"GatedFeedForward", 4, 4, 1, gated_feed_forward},
    {"Linear", 2, 3, 1, linear},
    {"RmsNorm", 2, 2, 1, rms_norm},
    {"RotaryEmbedding", 2, 3, 1, rotary_embedding},
    {"SelfAttention", 3, 3, 1, attend},
};

}  // namespace

std::span<const Schema> sequence_schemas() { return kRows; }

}  // namespace tenwatt::graph
