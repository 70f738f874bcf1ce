// ConvInteger and QLinearConv: patches of the input become rows of bytes, the weights of a group
// are a matrix in integer panels, and the finished rows go out by channel. One to three spatial
// axes, any group.
#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/integer_panels.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/grid.h"
#include "devices/cpu/lower/integers.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

struct Convolve {
  const KernelTable* kernels;
  IntegerNode node;
  Grid grid;
  ValueId x;
  ValueId y;
  ValueId x_zero;  ///< kNoValue: 0
  const std::byte* packed;
  int64_t batch;
  int64_t groups;
  int64_t channels;  ///< of one group
  int64_t outputs;   ///< of one group

  int64_t taps() const { return grid_size(grid, &GridAxis::kernel); }
  int64_t in_plane() const { return grid_size(grid, &GridAxis::in); }
  int64_t out_plane() const { return grid_size(grid, &GridAxis::out); }
  int64_t k() const { return channels * taps(); }
  int64_t panels() const { return panels_of(outputs); }

  size_t offsets_bytes() const {
    return align_up(static_cast<size_t>(taps() * kIntegerTileRows) * sizeof(int64_t));
  }
  size_t patch_bytes() const { return align_up(static_cast<size_t>(kIntegerTileRows * k())); }
  size_t sums_bytes() const {
    return align_up(static_cast<size_t>(kIntegerTileRows * panels() * kPanelRows) *
                    sizeof(int32_t));
  }
  size_t row_bytes() const { return align_up(static_cast<size_t>(outputs) * sizeof(int32_t)); }
  size_t member_bytes() const {
    return node.bytes() + offsets_bytes() + patch_bytes() + sums_bytes() + row_bytes() +
           integer_scratch_bytes(k());
  }

  /// Where tap by tap the rows [first, first + rows) find their element in a plane; -1: padding.
  void find_taps(int64_t first, int64_t rows, int64_t* offsets) const {
    const auto& [depth, height, width] = grid;
    for (int64_t tap = 0; tap < taps(); ++tap) {
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t out = first + r;
        const int64_t d =
            depth.source(out / (height.out * width.out), tap / (height.kernel * width.kernel));
        const int64_t h =
            height.source(out / width.out % height.out, tap / width.kernel % height.kernel);
        const int64_t w = width.source(out % width.out, tap % width.kernel);
        offsets[tap * kIntegerTileRows + r] =
            d < 0 || h < 0 || w < 0 ? -1 : (d * height.in + h) * width.in + w;
      }
    }
  }

  void gather(const uint8_t* planes, uint8_t zero, int64_t rows, const int64_t* offsets,
              uint8_t* patches) const {
    const int64_t stride = k();
    for (int64_t c = 0; c < channels; ++c) {
      const uint8_t* plane = planes + c * in_plane();
      for (int64_t tap = 0; tap < taps(); ++tap) {
        uint8_t* to = patches + c * taps() + tap;
        const int64_t* offset = offsets + tap * kIntegerTileRows;
        for (int64_t r = 0; r < rows; ++r) {
          to[r * stride] = offset[r] < 0 ? zero : plane[offset[r]];
        }
      }
    }
  }

  /// A finished row of one position into the planes of its channels.
  void scatter(const std::byte* row, std::byte* to) const {
    const int64_t plane = out_plane();
    const auto copy = [&]<class T>() {
      const T* from = reinterpret_cast<const T*>(row);
      T* out = reinterpret_cast<T*>(to);
      for (int64_t n = 0; n < outputs; ++n) out[n * plane] = from[n];
    };
    if (node.result_bytes() == 1) return copy.template operator()<uint8_t>();
    copy.template operator()<uint32_t>();
  }

  void run(const StepContext& context) const {
    const int64_t blocks = (out_plane() + kIntegerTileRows - 1) / kIntegerTileRows;
    const auto share = context.share(batch * groups * blocks);
    if (share.begin >= share.end) return;
    std::byte* memory = context.member_scratch;
    const IntegerNode::Ready ready = node.prepare(context, memory);
    auto* offsets = reinterpret_cast<int64_t*>(memory += node.bytes());
    auto* patches = reinterpret_cast<uint8_t*>(memory += offsets_bytes());
    auto* sums = reinterpret_cast<int32_t*>(memory += patch_bytes());
    std::byte* row = memory += sums_bytes();
    std::byte* scratch = memory + row_bytes();
    const uint8_t zero = x_zero == graph::kNoValue ? 0 : *context.at<const uint8_t>(x_zero);
    const int64_t stride = panels() * kPanelRows;
    const auto bytes = static_cast<int64_t>(node.result_bytes());
    for (int64_t item = share.begin; item < share.end; ++item) {
      const int64_t group = item / blocks;  // over batch and groups
      const int64_t first = item % blocks * kIntegerTileRows;
      const int64_t rows = std::min(kIntegerTileRows, out_plane() - first);
      const int64_t output = group % groups * outputs;
      find_taps(first, rows, offsets);
      gather(context.at<const uint8_t>(x) + group * channels * in_plane(), zero, rows, offsets,
             patches);
      // Where a group's outputs fill no whole panels, zero points past them belong to sums that
      // nobody reads.
      kernels->integer_product(
          {patches, k(), node.a_flip(), ready.a_zero, rows, k(),
           packed + static_cast<size_t>(group % groups * panels()) * integer_panel_bytes(k()),
           ready.zeros + output, sums, stride, 0, panels(), scratch});
      for (int64_t r = 0; r < rows; ++r) {
        node.finish(*kernels, ready, sums + r * stride, output, outputs, row);
        scatter(row,
                context.at<std::byte>(y) + (group * outputs * out_plane() + first + r) * bytes);
      }
    }
  }
};

template <const ProductInputs& kInputs>
Result<std::optional<Lowered>> lower_convolution(const LowerInput& input) {
  const ValueId w_id = input.in(kInputs.b);
  const Shape& x = input.in_shape(0);
  const Shape& w = input.shape(w_id);
  if (w.size() < 3) return std::optional<Lowered>();
  const auto grid = grid_of(input, {w.begin() + 2, w.end()}, GridAxis::Sums::kIntoSmall);
  const Packing packing = wanted_packing(input.graph, input.node, kInputs.b);
  if (!grid || packing != Packing::kIntegerPanels) return std::optional<Lowered>();
  const std::byte* packed = input.weights.find(w_id, packing);
  const auto node = IntegerNode::make(input, kInputs, w[0]);
  if (!packed || !node) return std::optional<Lowered>();
  const int64_t groups = input.node.integer("group", 1);
  const ValueId zero = input.has(kInputs.a_zero) ? input.in(kInputs.a_zero) : graph::kNoValue;
  const Convolve job{
      input.setup.kernels, *node, *grid, input.in(0), input.out(), zero, packed, x[0], groups, w[1],
      w[0] / groups};
  Lowered lowered;
  lowered.reads = node->reads();
  Step step;
  step.kernel = std::string("integer_convolution ") + input.setup.kernels->name;
  step.crew = crew_for(elements(input.out_shape()) * job.k() / 16);
  step.member_scratch = job.member_bytes();
  step.run = [job](StepContext& context) { job.run(context); };
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"ConvInteger", "integer_convolution", lower_convolution<kIntegerInputs>},
    {"QLinearConv", "integer_convolution", lower_convolution<kScaledInputs>},
};

}  // namespace

std::span<const OperatorRow> integer_convolution_operators() { return kRows; }

}  // namespace tenwatt::cpu
