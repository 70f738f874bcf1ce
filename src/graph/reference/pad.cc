// Pad: every mode, with pads of either sign. Negative pads crop first; what is left is then padded.
#include <cstring>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

constexpr int64_t kOutside = -1;

using Fold = int64_t (*)(int64_t at, int64_t extent);  ///< index of [0, extent) for any `at`

int64_t constant(int64_t at, int64_t extent) { return at >= 0 && at < extent ? at : kOutside; }
int64_t edge(int64_t at, int64_t extent) { return std::clamp<int64_t>(at, 0, extent - 1); }
int64_t wrap(int64_t at, int64_t extent) { return ((at % extent) + extent) % extent; }
int64_t reflect(int64_t at, int64_t extent) {
  if (extent == 1) return 0;
  int64_t folded = wrap(at, 2 * (extent - 1));
  return std::min(folded, 2 * (extent - 1) - folded);
}

Result<Fold> fold_of(const std::string& mode) {
  static constexpr std::pair<std::string_view, Fold> kFolds[] = {
      {"constant", constant}, {"edge", edge}, {"wrap", wrap}, {"reflect", reflect}};
  for (auto [name, fold] : kFolds) {
    if (name == mode) return fold;
  }
  return invalid("no padding mode '" + mode + "'");
}

struct Pads {
  Integers begin;
  Integers end;
};

Result<Pads> pads_of(const Node& node, Inputs inputs, int64_t rank) {
  Integers pads = TENWATT_TRY(list_of(node, inputs, 1, "pads"));
  Integers axes = TENWATT_TRY(list_of(node, inputs, 3, "axes"));
  if (axes.empty() && maybe(inputs, 3) == nullptr) {
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  axes = TENWATT_TRY(axes_in(axes, rank));
  if (pads.size() != 2 * axes.size()) return invalid("pads needs two numbers per axis");
  Pads all{Integers(static_cast<size_t>(rank), 0), Integers(static_cast<size_t>(rank), 0)};
  for (size_t i = 0; i < axes.size(); ++i) {
    all.begin[static_cast<size_t>(axes[i])] = pads[i];
    all.end[static_cast<size_t>(axes[i])] = pads[i + axes.size()];
  }
  return all;
}

/// What becomes of one axis: [first, first + left) is kept, with `before` elements put in front.
struct AxisPlan {
  int64_t first;
  int64_t left;
  int64_t before;
  int64_t padded;
};

Result<AxisPlan> plan_axis(int64_t extent, int64_t begin, int64_t end, Fold fold) {
  constexpr int64_t kMost = int64_t{1} << 40;
  if (begin < -kMost || begin > kMost || end < -kMost || end > kMost || extent > kMost) {
    return invalid("pads out of bounds");
  }
  AxisPlan plan;
  plan.first = std::max<int64_t>(0, -begin);
  plan.left = extent - plan.first - std::max<int64_t>(0, -end);
  plan.before = std::max<int64_t>(0, begin);
  plan.padded = extent + begin + end;
  if (plan.left < 0 || plan.padded < 0) return invalid("pads remove more than the axis has");
  if (plan.left == 0 && plan.padded > 0 && fold != constant) return invalid("nothing to pad from");
  return plan;
}

/// For each index of the padded axis, the offset in the input (index times stride) or kOutside.
Integers offsets_of(const AxisPlan& plan, int64_t stride, Fold fold) {
  Integers offsets(static_cast<size_t>(plan.padded));
  for (int64_t i = 0; i < plan.padded; ++i) {
    int64_t at = fold(i - plan.before, plan.left);
    offsets[static_cast<size_t>(i)] = at == kOutside ? kOutside : (plan.first + at) * stride;
  }
  return offsets;
}

template <class Word>
struct Padder {
  std::span<const Integers> offsets;
  const Word* from;
  Word fill;
  Word* to;

  /// Writes all elements below `axis`; `base` is the input offset so far, or kOutside.
  void write(size_t axis, int64_t base) {
    if (axis == offsets.size()) {  // a scalar
      *to++ = from[0];
      return;
    }
    bool innermost = axis + 1 == offsets.size();
    for (int64_t offset : offsets[axis]) {
      int64_t at = base == kOutside || offset == kOutside ? kOutside : base + offset;
      if (innermost) {
        *to++ = at == kOutside ? fill : from[at];
      } else {
        write(axis + 1, at);
      }
    }
  }
};

template <class Word>
void pad_words(std::span<const Integers> offsets, const Tensor& data, const Tensor* value,
               Tensor& result) {
  Word fill{};
  if (value != nullptr) std::memcpy(&fill, value->bytes().data(), sizeof(Word));
  Padder<Word> padder{offsets, data.values<Word>().data(), fill,
                      result.mutable_values<Word>().data()};
  padder.write(0, 0);
}

Outputs pad(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  const Tensor* value = maybe(inputs, 2);
  if (value != nullptr && (value->format() != data.format() || value->count() != 1)) {
    return invalid("the constant must be a scalar of the data's format");
  }
  Fold fold = TENWATT_TRY(fold_of(node.text("mode", "constant")));
  Pads pads = TENWATT_TRY(pads_of(node, inputs, data.rank()));
  std::vector<AxisPlan> plans;
  Shape shape;
  for (size_t axis = 0; axis < pads.begin.size(); ++axis) {
    plans.push_back(
        TENWATT_TRY(plan_axis(data.shape()[axis], pads.begin[axis], pads.end[axis], fold)));
    shape.push_back(plans.back().padded);
  }
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  if (result.count() == 0) return one(std::move(result));
  Integers strides = strides_of(data.shape());
  std::vector<Integers> offsets;
  for (size_t axis = 0; axis < plans.size(); ++axis) {
    offsets.push_back(offsets_of(plans[axis], strides[axis], fold));
  }
  switch (bytes) {
    case 1:
      pad_words<uint8_t>(offsets, data, value, result);
      break;
    case 2:
      pad_words<uint16_t>(offsets, data, value, result);
      break;
    case 4:
      pad_words<uint32_t>(offsets, data, value, result);
      break;
    default:
      pad_words<uint64_t>(offsets, data, value, result);
      break;
  }
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> pad_kernels() {
  static constexpr Entry kEntries[] = {{"Pad", pad}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
