// What the lowerings of quantised operators share: the parameters of their operands, which may be
// constants or come from the run, and the way from exact sums to a result.
#pragma once

#include <optional>
#include <vector>

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// The kernels' name of an integer format, if they have one.
std::optional<Stored> stored_of(Format format);
inline bool is_byte(Format format) { return format == Format::kI8 || format == Format::kU8; }
/// What turns a stored byte into its signed code.
inline uint8_t flip_of(Format format) { return format == Format::kU8 ? 0x80 : 0; }

/// Stored integers as numbers of another type.
void widen(Stored type, const void* from, int64_t n, int32_t* to);
void widen(Stored type, const void* from, int64_t n, float* to);

/// Which inputs of a product hold what; MatMulInteger and ConvInteger have no scales.
struct ProductInputs {
  size_t b;
  size_t a_zero;
  size_t b_zero;
  bool scaled;
};
inline constexpr ProductInputs kIntegerInputs{1, 2, 3, false};
inline constexpr ProductInputs kScaledInputs{3, 2, 5, true};

/// The operands and the result of a product of bytes with `outputs` outputs, b being any matrix.
/// Sums of a block of rows are finished one row at a time: scaled, biased and rounded as the node
/// says. Zero points of b and scales are read when a step starts, into memory of the member.
class IntegerNode {
 public:
  /// nullopt where the parameters have a form that only the reference kernel takes.
  static std::optional<IntegerNode> make(const LowerInput& input, const ProductInputs& inputs,
                                         int64_t outputs);

  /// All values that a step reads, but b.
  const std::vector<graph::ValueId>& reads() const { return reads_; }
  /// Bytes for the parameters and one row; a multiple of 64.
  size_t bytes() const;

  /// The parameters in a member's memory.
  struct Ready {
    int32_t a_zero;        ///< of signed codes
    const int32_t* zeros;  ///< of signed codes, by output, whole panels
    const float* scales;   ///< by output, whole panels; null: sums are the result
    const float* bias;
    const int32_t* whole_bias;
    float y_scale;
    float y_zero;
    float* row;  ///< `outputs` rounded up
  };
  Ready prepare(const StepContext& context, std::byte* memory) const;
  /// Finishes sums [count] of outputs from `first` on into `to`, contiguous elements of the result.
  void finish(const KernelTable& kernels, const Ready& ready, int32_t* sums, int64_t first,
              int64_t count, std::byte* to) const;

  uint8_t a_flip() const { return a_flip_; }
  uint8_t b_flip() const { return b_flip_; }
  size_t result_bytes() const { return result_bytes_; }

 private:
  struct Parameter {
    graph::ValueId id = graph::kNoValue;
    bool each = false;  ///< one for each output
  };
  int64_t outputs_ = 0;
  uint8_t a_flip_ = 0;
  uint8_t b_flip_ = 0;
  Parameter a_zero_, b_zero_, a_scale_, b_scale_, y_scale_, y_zero_, bias_;
  bool whole_bias_ = false;
  std::optional<Stored> rounded_;
  size_t result_bytes_ = 4;
  std::vector<graph::ValueId> reads_;
};

}  // namespace tenwatt::cpu
