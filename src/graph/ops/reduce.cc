// Reductions and normalisations.
#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

enum class Reduction : uint8_t { kSum, kProduct, kMax, kMin, kOther };

/// The single result of reducing known contents whole.
std::optional<Dim> reduced(const Inference& in, const Dims& contents, Reduction reduction) {
  if (contents.empty()) return std::nullopt;
  std::optional<Dim> out = contents[0];
  for (size_t i = 1; i < contents.size() && out; ++i) {
    switch (reduction) {
      case Reduction::kSum:
        out = *out + contents[i];
        break;
      case Reduction::kProduct:
        out = *out * contents[i];
        break;
      case Reduction::kMax:
        out = in.max(*out, contents[i]);
        break;
      case Reduction::kMin:
        out = in.min(*out, contents[i]);
        break;
      case Reduction::kOther:
        return std::nullopt;
    }
  }
  return out;
}

template <Reduction reduction>
Status reduce(Inference& in) {
  // A scalar has no axis, and runtimes read past those that a node names.
  const auto axes = in.rank(0) == 0 ? std::vector<int64_t>() : TENWATT_TRY(in.numbers(1, "axes"));
  const bool keep = in.node().integer("keepdims", 1) != 0;
  const bool nothing = axes.empty() && in.node().integer("noop_with_empty_axes", 0) != 0;
  std::vector<bool> gone(in.shape(0).size(), axes.empty() && !nothing);
  for (const int64_t axis : axes)
    gone[static_cast<size_t>(TENWATT_TRY(in.axis(axis, in.rank(0))))] = true;
  Dims shape;
  for (size_t i = 0; i < gone.size(); ++i) {
    if (!gone[i]) shape.push_back(in.shape(0)[i]);
    if (gone[i] && keep) shape.push_back(Dim(1));
  }
  std::optional<Dims> known;
  const auto contents = in.known(0);
  const bool integer = info(in.format(0)).kind == FormatKind::kInteger;
  if (contents && integer && reduction != Reduction::kOther) {
    if (small_count(shape) == 1) {
      if (const auto value = reduced(in, *contents, reduction)) known = Dims{*value};
    }
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

/// Weights broadcast to the input.
Status check_weight(Inference& in, size_t input) {
  if (!in.has(input)) return {};
  const Dims& scaled = in.shape(0);
  const Dims together = TENWATT_TRY(in.broadcast(scaled, in.shape(input)));
  if (together.size() != scaled.size())
    return in.wrong("its weights have more axes than they scale; " + in.shapes());
  for (size_t i = 0; i < scaled.size(); ++i)
    TENWATT_TRY(in.same(scaled[i], together[i], "extents of the input and its weights"));
  return {};
}

Status layer_normalization(Inference& in) {
  const auto axis =
      static_cast<size_t>(TENWATT_TRY(in.axis(in.node().integer("axis", -1), in.rank(0))));
  TENWATT_TRY(check_weight(in, 1));
  TENWATT_TRY(check_weight(in, 2));
  in.set(0, in.format(0), in.shape(0));
  Dims statistics = in.shape(0);
  for (size_t i = axis; i < statistics.size(); ++i) statistics[i] = Dim(1);
  in.set(1, Format::kF32, statistics);
  in.set(2, Format::kF32, statistics);
  return {};
}

constexpr Schema kRows[] = {
    {"LayerNormalization", 2, 3, 3, layer_normalization},
    {"ReduceMax", 1, 2, 1, reduce<Reduction::kMax>},
    {"ReduceMean", 1, 2, 1, reduce<Reduction::kOther>},
    {"ReduceMin", 1, 2, 1, reduce<Reduction::kMin>},
    {"ReduceProd", 1, 2, 1, reduce<Reduction::kProduct>},
    {"ReduceSum", 1, 2, 1, reduce<Reduction::kSum>},
};

}  // namespace

std::span<const Schema> reduce_schemas() { return kRows; }

}  // namespace tenwatt::graph
