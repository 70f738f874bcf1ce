// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear over f32: runs of elements that share
// a scale, or rows of elements with one each.
#include <cmath>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/integers.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

int64_t extent_product(const Shape& shape, size_t begin, size_t end) {
  return elements(std::span(shape).subspan(begin, end - begin));
}

/// The elements in runs: run r has `length` elements and its scale, or its first one, at
/// (r / per_outer) * outer_scales + (r % per_outer) / repeat * step.
struct Runs {
  int64_t count = 1;
  int64_t length = 0;
  int64_t per_outer = 1;
  int64_t outer_scales = 0;
  int64_t repeat = 1;
  int64_t step = 0;
  Grain grain = Grain::kSpan;
  int64_t scales = 1;

  int64_t scale_of(int64_t run) const {
    return run / per_outer * outer_scales + run % per_outer / repeat * step;
  }
};

std::optional<Runs> runs_of(const LowerInput& input) {
  const Shape& x = input.in_shape(0);
  const Shape& scale = input.in_shape(1);
  Runs runs;
  runs.length = elements(x);
  runs.scales = elements(scale);
  if (runs.scales == 1 && scale.size() <= 1) return runs;
  const auto rank = static_cast<int64_t>(x.size());
  int64_t axis = input.node.integer("axis", 1);
  if (axis < -rank || axis >= rank) return std::nullopt;
  if (axis < 0) axis += rank;
  const auto at = static_cast<size_t>(axis);
  const int64_t outer = extent_product(x, 0, at);
  const int64_t extent = x[at];
  const int64_t inner = extent_product(x, at + 1, x.size());
  const int64_t block = input.node.integer("block_size", 0);
  if (block > 0) {
    const int64_t blocks = (extent + block - 1) / block;
    if (runs.scales != outer * blocks * inner) return std::nullopt;
    // A row of `inner` elements has as many scales, which the rows of a block share.
    runs = {outer * extent, inner, extent,          blocks * inner,
            block,          inner, Grain::kElement, runs.scales};
    return runs;
  }
  if (scale.size() != 1 || scale[0] != extent) return std::nullopt;
  if (inner == 1) {
    runs = {outer, extent, 1, 0, 1, 0, Grain::kElement, extent};
    return runs;
  }
  runs = {outer * extent, inner, extent, 0, 1, 1, Grain::kSpan, extent};
  return runs;
}

/// Calls piece(run, first element, count) for this member's elements.
template <class Piece>
void for_share(const StepContext& context, const Runs& runs, Piece&& piece) {
  const auto share = context.share(runs.count * runs.length, 64);
  for (int64_t at = share.begin; at < share.end;) {
    const int64_t run = at / runs.length;
    const int64_t in_run = at % runs.length;
    const int64_t count = std::min(runs.length - in_run, share.end - at);
    piece(run, in_run, at, count);
    at += count;
  }
}

struct Affine {
  ValueId x;
  ValueId scale;
  ValueId zero;  ///< kNoValue: 0
  ValueId y;
  Stored type;
  Runs runs;

  /// Zero points as numbers, in the member's memory.
  template <class T>
  const T* zeros(const StepContext& context) const {
    auto* to = reinterpret_cast<T*>(context.member_scratch);
    if (zero == graph::kNoValue) {
      std::fill(to, to + runs.scales, T{0});
    } else {
      widen(type, context.at<const std::byte>(zero), runs.scales, to);
    }
    return to;
  }
};

Result<std::optional<Lowered>> lower_affine(const LowerInput& input, Format stored,
                                            std::string_view name,
                                            void (*run)(const KernelTable&, const StepContext&,
                                                        const Affine&)) {
  const auto type = stored_of(stored);
  const auto runs = runs_of(input);
  const bool has_zero = input.has(2);
  if (!type || !runs || input.in_format(1) != Format::kF32) return std::optional<Lowered>();
  if (has_zero && (input.in_format(2) != stored || elements(input.in_shape(2)) != runs->scales))
    return std::optional<Lowered>();
  const Affine affine{input.in(0), input.in(1), has_zero ? input.in(2) : graph::kNoValue,
                      input.out(), *type,       *runs};
  Lowered lowered;
  lowered.reads = {affine.x, affine.scale};
  if (has_zero) lowered.reads.push_back(affine.zero);
  const KernelTable* kernels = input.setup.kernels;
  Step step;
  step.kernel = std::string(name) + " " + kernels->name;
  step.crew = crew_for(elements(input.out_shape()));
  step.member_scratch = align_up(static_cast<size_t>(runs->scales) * sizeof(float));
  step.run = [=](StepContext& context) { run(*kernels, context, affine); };
  lowered.step = std::move(step);
  return lowered;
}

int64_t stored_bytes(Stored type) {
  if (type == Stored::kI32) return 4;
  return type == Stored::kI16 || type == Stored::kU16 ? 2 : 1;
}

Result<std::optional<Lowered>> lower_quantise(const LowerInput& input) {
  const Format stored = input.format(input.out());
  if (input.in_format(0) != Format::kF32 || stored == Format::kI32) return std::optional<Lowered>();
  return lower_affine(
      input, stored, "quantise",
      [](const KernelTable& kernels, const StepContext& context, const Affine& affine) {
        const auto* zeros = affine.zeros<float>(context);
        const auto* scales = context.at<const float>(affine.scale);
        const int64_t size = stored_bytes(affine.type);
        for_share(context, affine.runs, [&](int64_t run, int64_t in_run, int64_t at, int64_t n) {
          const bool each = affine.runs.grain == Grain::kElement;
          const int64_t scale = affine.runs.scale_of(run) + (each ? in_run : 0);
          kernels.quantise(context.at<const float>(affine.x) + at, n, scales + scale, zeros + scale,
                           affine.runs.grain, affine.type,
                           context.at<std::byte>(affine.y) + at * size);
        });
      });
}

Result<std::optional<Lowered>> lower_dequantise(const LowerInput& input) {
  if (input.format(input.out()) != Format::kF32) return std::optional<Lowered>();
  return lower_affine(
      input, input.in_format(0), "dequantise",
      [](const KernelTable& kernels, const StepContext& context, const Affine& affine) {
        const auto* zeros = affine.zeros<int32_t>(context);
        const auto* scales = context.at<const float>(affine.scale);
        const int64_t size = stored_bytes(affine.type);
        for_share(context, affine.runs, [&](int64_t run, int64_t in_run, int64_t at, int64_t n) {
          const bool each = affine.runs.grain == Grain::kElement;
          const int64_t scale = affine.runs.scale_of(run) + (each ? in_run : 0);
          kernels.dequantise(affine.type, context.at<const std::byte>(affine.x) + at * size, n,
                             scales + scale, zeros + scale, affine.runs.grain,
                             context.at<float>(affine.y) + at);
        });
      });
}

/// Every member finds the range of all elements for itself, which costs less than a barrier for the
/// activations of one layer.
Result<std::optional<Lowered>> lower_dynamic(const LowerInput& input) {
  if (input.in_format(0) != Format::kF32 || input.node.outputs.size() < 3)
    return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const int64_t n = elements(input.in_shape(0));
  const std::vector<ValueId> y = input.node.outputs;
  Step step;
  step.kernel = std::string("quantise ") + kernels->name;
  step.crew = crew_for(n);
  step.run = [=](StepContext& context) {
    const auto* reals = context.at<const float>(x);
    float low = 0;
    float high = 0;
    if (n > 0) {
      kernels->reduce(Reduce::kMin, {reals, n, &low, 1, 1, n});
      kernels->reduce(Reduce::kMax, {reals, n, &high, 1, 1, n});
    }
    low = std::min(low, 0.0f);
    high = std::max(high, 0.0f);
    const float range = high - low;
    const float scale = range == 0 ? 1.0f : range / 255.0f;
    const float zero = std::min(std::max(std::nearbyint(-low / scale), 0.0f), 255.0f);
    if (context.is_first()) {
      if (y[1] != graph::kNoValue) *context.at<float>(y[1]) = scale;
      if (y[2] != graph::kNoValue) *context.at<uint8_t>(y[2]) = static_cast<uint8_t>(zero);
    }
    const auto share = context.share(n, 64);
    if (y[0] == graph::kNoValue || share.begin >= share.end) return;
    kernels->quantise(reals + share.begin, share.end - share.begin, &scale, &zero, Grain::kSpan,
                      Stored::kU8, context.at<uint8_t>(y[0]) + share.begin);
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"DequantizeLinear", "dequantise", lower_dequantise},
    {"DynamicQuantizeLinear", "quantise", lower_dynamic},
    {"QuantizeLinear", "quantise", lower_quantise},
};

}  // namespace

std::span<const OperatorRow> quantise_operators() { return kRows; }

}  // namespace tenwatt::cpu
