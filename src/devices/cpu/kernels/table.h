// The kernels of one instruction level, as a table of plain functions.
//
// Every function runs on the calling thread over the sub-range in its arguments; the caller splits
// work over threads and owns all memory, scratch included. The bits of a result depend only on
// the row (or output position) it belongs to, never on the ranges of a call: integer sums are
// exact, matrix products and convolutions add in ascending k with one accumulator per output, and
// norms, softmax and reductions add by a fixed tree over lanes. Arguments are not checked: shapes
// were checked when the graph was planned. No std types here on purpose: this header is compiled
// with flags of several levels, and an inline function of the library compiled for AVX-512 may be
// the copy that the linker keeps for everyone.
//
// Unless said otherwise strides are in elements, matrices are row-major with contiguous last axis,
// and pointers need the alignment of their element only. Packed weights are 64-byte aligned.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "devices/cpu/kernels/quantised.h"

namespace tenwatt::cpu {

/// Outputs (weight rows) per panel of a packed matrix.
inline constexpr int64_t kPanelRows = 16;
/// Output channels per block of a packed convolution.
inline constexpr int64_t kConvBlock = 8;
/// Keys per page of an attention state (devices::kPageRows).
inline constexpr int64_t kKeysPerPage = 64;
/// Keys per attention chunk: chunks start at absolute multiples of it and are merged in order.
inline constexpr int64_t kKeysPerChunk = 128;

// ---- products with packed weights ----------------------------------------------------------

enum class FloatFormat : uint8_t { kF32, kF16, kBF16 };

/// y[r][n] = sum_k x[r][k] * w[n][k] (+ bias[n]) (+ residual[r][n]) for rows [0, rows) and the
/// outputs of panels [panel_begin, panel_end). Weights: [panel][k][16] (`pack_float_panel`), kept
/// narrow in memory and widened in registers. Outputs >= `outputs` are not written.
struct LinearFloat {
  const float* x;
  ptrdiff_t x_stride;
  int64_t rows;
  int64_t k;
  const void* panels;  ///< panel 0 of the matrix
  FloatFormat format;
  const float* bias;      ///< [outputs], or null
  const float* residual;  ///< [rows, outputs] at residual_stride, or null; may be y itself
  ptrdiff_t residual_stride;
  float* y;
  ptrdiff_t y_stride;
  int64_t outputs;  ///< n of the whole matrix
  int64_t panel_begin;
  int64_t panel_end;
};

/// 32 activations as int8 with one scale: x is about scale * code. Round to nearest even,
/// scale = max|x| / 127. A row of k activations is k/32 consecutive blocks. The sums start or
/// correct integer sums over weight codes that carry an offset; each level takes those that it
/// needs.
struct alignas(64) QuantBlock {
  int8_t code[32];
  float scale;
  int32_t sum;             ///< of the codes
  float scaled_sum;        ///< scale * sum, multiplied by a block's minimum
  int32_t offset;          ///< -8 * sum
  int32_t half_offset[2];  ///< -8 * the sums of codes [0, 16) and [16, 32)
  /// -8 * the sums, in each half, of codes 0 and 1 of every four, and of codes 2 and 3.
  int16_t pair_offset[2][2];
};

/// Weight formats of `linear_block`. Panels are R16K4: a 64-byte line holds 4 consecutive k of 16
/// rows (bytes 4r..4r+3 are row r). A 32-k block is 2 to 8 lines of codes (block_codes.h), unsigned
/// (Q8_0: code + 128). Its scales stand beside it in the order of reading:
///   kQ4_0, kQ5_0, kQ8_0, kIQ4_NL  groups of two blocks, then a line of 2 x 16 f16 scales
///   kMXFP4                        the same, scales as bf16, for the doubled value of a code
///   kQ4_1, kQ5_1                  single blocks, then a line of 16 f16 scales and 16 f16 minima
///   the others                    groups of eight (256 k): a line of 16 f16 d and 16 f16 dmin, for
///                                 each block 16 signed bytes per scale and minimum (kQ2_K: one
///                                 byte for both), then the blocks
/// A last group of one block has half of its codes and a full line of scales.
enum class BlockFormat : uint8_t {
  kQ4_0,
  kQ4_1,
  kQ8_0,
  kQ5_0,
  kQ5_1,
  kQ2_K,
  kQ3_K,
  kQ4_K,
  kQ5_K,
  kQ6_K,
  kIQ4_NL,
  kIQ4_XS,
  kMXFP4,
};

/// As LinearFloat, over block-quantised weights and activations. k is a multiple of 32 (256 for
/// formats with groups of eight). Per scale, that is per 32 or 16 k, an exact integer sum, then f =
/// fma(float(sum), w_scale * x_scale, f) and, for formats with a minimum, f = fma(minimum,
/// scaled_sum, f); k ascends. w_scale and minimum are exact products of d and a whole number.
struct LinearBlock {
  const QuantBlock* x;
  ptrdiff_t x_stride;  ///< blocks between rows
  int64_t rows;
  int64_t k;
  const void* panels;  ///< panel 0 of the matrix (`pack_block_panel`)
  BlockFormat format;
  const float* bias;
  const float* residual;
  ptrdiff_t residual_stride;
  float* y;
  ptrdiff_t y_stride;
  int64_t outputs;
  int64_t panel_begin;
  int64_t panel_end;
};

// ---- products of two activations -----------------------------------------------------------

/// c[m][n] = sum_k a[m][k] * b[k][n], for rows [0, m). With `kTransposed`, b is [n][k] and scratch
/// holds at least matmul_scratch_floats(k) floats.
enum class MatmulB : uint8_t { kPlain, kTransposed };
struct Matmul {
  const float* a;
  ptrdiff_t a_stride;
  const float* b;
  ptrdiff_t b_stride;
  float* c;
  ptrdiff_t c_stride;
  int64_t m;
  int64_t n;
  int64_t k;
  MatmulB layout;
  float* scratch;  ///< null for kPlain
};
inline constexpr size_t matmul_scratch_floats(int64_t k) { return static_cast<size_t>(k) * 64; }

// ---- convolutions over time ----------------------------------------------------------------

/// What a convolution does at its ends, with the arithmetic of the operators that it stands for:
/// each sample x becomes leak * x where it is below 0, a LeakyReLU of that slope (1: none); a
/// finished sum takes the residuals, is divided and passed through `out`, in that order.
struct ConvEnds {
  enum class Out : uint8_t { kSum, kTanh };
  float leak = 1;
  const float* residual[2] = {};  ///< laid out as y, or null
  float divisor = 1;
  Out out = Out::kSum;
};

/// y[co][t] = bias[co] + sum_ci sum_tap w[co][ci][tap] * x[ci][t * stride + tap * dilation - pad],
/// x being zero outside [0, in_length). ONNX Conv with one spatial axis, of one batch item.
/// Weights: [group][co block of 8][ci of the group][tap][8] (`pack_conv1d`). Computes output blocks
/// [block_begin, block_end) of groups * ceil(co per group / 8), times [t_begin, t_end).
struct Conv1d {
  const float* x;
  ptrdiff_t x_stride;  ///< between channels
  int64_t in_length;
  int64_t in_channels;   ///< of all groups
  int64_t out_channels;  ///< of all groups
  int64_t groups;
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t pad;          ///< zeros before the first sample
  const void* weights;  ///< f32; words of bf16 where the operands are rounded
  const float* bias;    ///< [out_channels], or null
  float* y;
  ptrdiff_t y_stride;
  int64_t block_begin;
  int64_t block_end;
  int64_t t_begin;
  int64_t t_end;
  float* scratch;  ///< conv1d_scratch_floats(in_channels / groups, kernel)
  ConvEnds ends = {};
};
inline constexpr size_t conv1d_scratch_floats(int64_t channels_per_group, int64_t taps) {
  return static_cast<size_t>(channels_per_group * taps) * 64;
}

/// groups = in_channels = out_channels: weights are [channel][tap] as ONNX holds them. Computes
/// channels [channel_begin, channel_end), times [t_begin, t_end).
struct DepthwiseConv1d {
  const float* x;
  ptrdiff_t x_stride;
  int64_t in_length;
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t pad;
  const float* weights;
  const float* bias;
  float* y;
  ptrdiff_t y_stride;
  int64_t channel_begin;
  int64_t channel_end;
  int64_t t_begin;
  int64_t t_end;
};

/// y[co][t] = bias[co] + sum_ci sum_tap w[ci][co][tap] * x[ci][(t + pad - tap) / stride] over the
/// taps where the division is exact and in range. ONNX ConvTranspose, one spatial axis, dilation 1,
/// groups 1. Weights by phase: [co block of 8][phase of stride][ci][ceil(kernel / stride)][8]
/// (`pack_conv_transpose1d`). Output length is the caller's (output_padding included).
struct ConvTranspose1d {
  const float* x;
  ptrdiff_t x_stride;
  int64_t in_length;
  int64_t in_channels;
  int64_t out_channels;
  int64_t kernel;
  int64_t stride;
  int64_t pad;
  const void* weights;  ///< as in Conv1d
  const float* bias;
  float* y;
  ptrdiff_t y_stride;
  int64_t block_begin;
  int64_t block_end;
  int64_t t_begin;
  int64_t t_end;
  float* scratch;  ///< conv1d_scratch_floats(in_channels, ceil(kernel / stride))
  float leak = 1;  ///< as in ConvEnds
};

// The same with operands rounded to bf16 (to nearest even) and f32 sums in ascending k, two at a
// time: the processor's dot product of pairs. Weights hold pairs of input channels, the first one
// in the low half of a word: [co block of 8][ci pair][tap][8] (`pack_conv1d_bf16`) and [co block of
// 8][phase][ci pair][tap][8] (`pack_conv_transpose1d_bf16`). Only stride 1 and one group for
// Conv1d. Samples are rounded a stretch of time at a time, into scratch.

/// Outputs of time that are computed between two fillings of the scratch: 96 KB of words, which
/// stay in the second-level cache beside the weights. `reach` is the distance from the first to the
/// last tap.
inline constexpr int64_t conv_bf16_stretch(int64_t pairs, int64_t reach) {
  const int64_t fits = ((96 << 10) / 4 / pairs - reach) / 48 * 48;
  return fits < 48 ? 48 : fits > 960 ? 960 : fits;
}
inline constexpr size_t conv_bf16_scratch_bytes(int64_t channels, int64_t reach) {
  const int64_t pairs = (channels + 1) / 2;
  return static_cast<size_t>(pairs * (conv_bf16_stretch(pairs, reach) + reach + 64)) * 4;
}

// ---- elementwise ---------------------------------------------------------------------------

enum class Unary : uint8_t {
  kAbs,
  kCeil,
  kClip,  ///< kClip: to [alpha, beta]
  kCos,
  kErf,
  kElu,  ///< kElu: alpha
  kExp,
  kFloor,
  kGeluErf,
  kGeluTanh,
  kHardSigmoid,  ///< kHardSigmoid: alpha, beta
  kIdentity,
  kLeakyRelu,  ///< kLeakyRelu: alpha
  kLinear,     ///< alpha * x + beta
  kLog,
  kNeg,
  kReciprocal,
  kRelu,
  kRound,  ///< kRound: to nearest even
  kRsqrt,
  kSigmoid,
  kSign,
  kSilu,
  kSin,
  kSoftplus,
  kSqrt,
  kSquare,
  kTanh,
};
enum class Binary : uint8_t { kAdd, kSub, kMul, kDiv, kPow, kMin, kMax, kMod };  ///< kMod: C fmod
enum class Compare : uint8_t { kEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
/// act(a) * b
enum class Gate : uint8_t { kSilu, kGeluTanh, kGeluErf, kSigmoid };
/// Which operand is one value for the whole span.
enum class Spread : uint8_t { kNone, kA, kB };

/// Logic on bools.
enum class Logic : uint8_t { kAnd, kOr, kXor };

// ---- elements of any scalar format ---------------------------------------------------------

/// How an element is stored. kBool: a byte, any but 0 is true. 16-bit floats are not among them:
/// they are widened to f32 first and rounded once at the end.
enum class Element : uint8_t { kF32, kF64, kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kBool };

/// One operand of an elementwise kernel: element i lies at data + i * step elements; step 0 is one
/// value for the whole span.
struct Elements {
  const void* data;
  ptrdiff_t step;
};

/// c[i][j] = sum_p a(i, p) * b(p, j), p ascending, one accumulator per output; integers wrap.
/// Element (i, p) of a lies at i * a_row + p * a_column, likewise b; c is row-major at c_row.
struct Product {
  Element type;
  const void* a;
  ptrdiff_t a_row;
  ptrdiff_t a_column;
  const void* b;
  ptrdiff_t b_row;
  ptrdiff_t b_column;
  void* c;
  ptrdiff_t c_row;
  int64_t m;
  int64_t n;
  int64_t k;
};

/// Running sums over `n` elements that lie `step` apart.
enum class Cumulate : uint8_t { kForward, kForwardExclusive, kReverse, kReverseExclusive };

/// One plane of max pooling over up to three spatial axes (fewer are led by axes of one): output o
/// of an axis covers inputs o * stride - pad + tap * dilation, taps outside the input are left out.
struct MaxPool {
  struct Axis {
    int64_t in;
    int64_t out;
    int64_t kernel;
    int64_t stride;
    int64_t dilation;
    int64_t pad;
  };
  Element type;
  Axis axes[3];
  const void* x;
  void* y;
  /// Where each maximum (the first, of equal ones) lies in the plane, or null; the offset of index
  /// (d, h, w) is d * index_steps[0] + h * index_steps[1] + w * index_steps[2].
  int64_t* indices;
  int64_t index_base;  ///< added to every index
  int64_t index_steps[3];
};

// ---- rows ----------------------------------------------------------------------------------

enum class Reduce : uint8_t { kSum, kMean, kMax, kMin, kSumSquares, kProduct };

/// Rows of `n` contiguous elements; y may be x.
struct Rows {
  const float* x;
  ptrdiff_t x_stride;
  float* y;
  ptrdiff_t y_stride;
  int64_t rows;
  int64_t n;
};

/// What a layer normalisation multiplies and adds, and where its statistics go; any may be null.
struct LayerNorm {
  const float* weight;  ///< [n]
  const float* bias;    ///< [n]
  float epsilon;
  float* mean;     ///< [rows]
  float* inverse;  ///< [rows], 1 / sqrt(variance + epsilon)
};

/// Rotates pairs of each head of one token, in place: (a, b) -> (a cos - b sin, b cos + a sin).
enum class RotaryPairs : uint8_t { kHalf, kInterleaved };  ///< (i, i + rotary_dim/2) | (2i, 2i+1)
struct Rotary {
  float* x;  ///< [heads][head_stride]
  int64_t heads;
  ptrdiff_t head_stride;
  const float* cos;  ///< [rotary_dim / 2]
  const float* sin;
  int64_t rotary_dim;
  RotaryPairs pairs;
};

// ---- attention -----------------------------------------------------------------------------

enum class KvFormat : uint8_t { kF16, kF32 };
enum class KeyLimit : uint8_t { kCausal, kAll };

/// Attention of `rows` query rows for the `groups` query heads that share one key/value head.
/// A page holds 64 keys as [head_dim][64] and 64 values as [64][value_dim] (per kv head;
/// `kv_append` writes them). score = scale * q.k (ascending d), then softcap * tanh(score /
/// softcap) if softcap > 0; softmax over the keys that the row sees, per chunk of 128 keys, chunks
/// merged in ascending order. kCausal: row i sees keys [max(0, p + 1 - window), p], p = position +
/// i (window 0: from 0); kAll: keys [0, keys). Keys that no row sees are never read into a result.
struct AttentionRows {
  const float* q;  ///< row i, head g: q + i * q_stride + g * head_dim
  ptrdiff_t q_stride;
  int64_t rows;
  int64_t position;  ///< of row 0 (kCausal)
  int64_t groups;
  int64_t head_dim;
  int64_t value_dim;
  const void* const* key_pages;  ///< page p holds keys [64p, 64p + 64)
  const void* const* value_pages;
  size_t key_offset;    ///< bytes from a page's start to this kv head's keys
  size_t value_offset;  ///< bytes from a page's start to this kv head's values
  KvFormat format;
  KeyLimit limit;
  int64_t keys;    ///< kAll only
  int64_t window;  ///< kCausal only; 0: none
  float scale;
  float softcap;  ///< 0: none
  float* out;     ///< row i, head g: out + i * out_stride + g * value_dim
  ptrdiff_t out_stride;
  float* scratch;  ///< attention_scratch_floats(value_dim)
  /// Null, or where the chunks of a single row go instead of being merged into `out`: chunk c of
  /// [chunk_begin, chunk_end), all of which the row sees, head g, to partials + ((c - chunk_begin)
  /// * groups + g) * partial_floats(value_dim).
  float* partials;
  int64_t chunk_begin;
  int64_t chunk_end;
};
/// Merges the chunks of one row and head in ascending order, as `attention_rows` does: the same
/// bits.
struct AttentionJoin {
  const float* partials;
  ptrdiff_t partial_stride;  ///< floats between chunks
  int64_t chunks;
  int64_t value_dim;
  float* out;
  float* scratch;  ///< attention_scratch_floats(value_dim)
};
/// Value sums, rounded up to 16, then the chunk's largest score and its sum.
inline constexpr int64_t partial_floats(int64_t value_dim) {
  return (value_dim + 15) / 16 * 16 + 16;
}

/// Attention of one head over keys that are all visible: the Whisper encoder's self-attention and
/// the decoder's cross-attention. Keys either lie in pages (`pack_keys`) or, row by row, are
/// brought there a chunk at a time; values are row-major. Same arithmetic as AttentionRows with
/// kAll.
struct CrossAttention {
  const float* q;  ///< row i: q + i * q_stride
  ptrdiff_t q_stride;
  int64_t rows;
  int64_t head_dim;
  int64_t value_dim;
  const float* keys;  ///< packed_keys_floats(key_rows, head_dim): [page][head_dim][64], or null
  const float* k;     ///< row j: k + j * k_stride; read where `keys` is null
  ptrdiff_t k_stride;
  const float* v;  ///< row j: v + j * v_stride
  ptrdiff_t v_stride;
  int64_t key_rows;
  float scale;
  float* out;
  ptrdiff_t out_stride;
  float* scratch;  ///< cross_scratch_floats(head_dim, value_dim)
};
inline constexpr size_t packed_keys_floats(int64_t rows, int64_t head_dim) {
  return static_cast<size_t>((rows + kKeysPerPage - 1) / kKeysPerPage * kKeysPerPage * head_dim);
}
inline constexpr size_t attention_scratch_floats(int64_t value_dim) {
  return static_cast<size_t>(16 * (kKeysPerChunk + 2 * ((value_dim + 15) / 16 * 16) + 16));
}
inline constexpr size_t cross_scratch_floats(int64_t head_dim, int64_t value_dim) {
  return attention_scratch_floats(value_dim) + static_cast<size_t>(kKeysPerChunk * head_dim);
}

/// Writes one row's keys and values into slot [0, 64) of their pages. Pages start at the state's
/// part: keys [kv_heads][head_dim][64], values [kv_heads][64][value_dim]. f16 saturates at 65504.
struct KvAppend {
  const float* k;  ///< [kv_heads, head_dim], or null: leave the key page alone
  const float* v;  ///< [kv_heads, value_dim], or null
  int64_t kv_heads;
  int64_t head_dim;
  int64_t value_dim;
  void* key_page;
  void* value_page;
  int64_t slot;
  KvFormat format;
};

/// The state update of one LSTM step after its products, no peepholes: gates [i, o, f, g] of
/// `hidden` each (ONNX order, g being its c): c' = sigmoid(f) c + sigmoid(i) tanh(g), h' =
/// sigmoid(o) tanh(c').
struct LstmCell {
  const float* gates;  ///< [4, hidden]
  const float* c;
  float* c_out;  ///< may be c
  float* h_out;
  int64_t hidden;
};

/// A gate's non-linearity with its parameters: `scale * op(slope * x, alpha, beta)`.
struct GateFunction {
  enum class Kind : uint8_t { kUnary, kSoftsign, kThresholdedRelu } kind;
  Unary op;  ///< of kUnary
  float alpha;
  float beta;
  float slope;
  float scale;
};

/// As LstmCell with everything ONNX allows: peepholes, clipping of what enters the gates, a forget
/// gate that is one minus the input gate, and other activations.
struct LstmAnyCell {
  const float* gates;     ///< [4, hidden], i, o, f, c
  const float* peephole;  ///< [3, hidden], i, o, f; or null
  const float* c;
  float* c_out;  ///< may be c
  float* h_out;
  int64_t hidden;
  float clip;  ///< infinity: none
  enum class Forget : uint8_t { kGate, kOneMinusInput } forget;
  GateFunction f;
  GateFunction g;
  GateFunction h;
};

/// The functions of one level. All are thread-safe on disjoint outputs.
struct KernelTable {
  const char* name;  ///< "v2", "avx2", "avx512", "avx512bf16", "neon", "i8mm"

  void (*linear_float)(const LinearFloat&);
  void (*linear_block)(const LinearBlock&);
  /// rows x k activations (k a multiple of 32) to blocks; strides in floats and blocks.
  void (*quantise_rows)(const float* x, ptrdiff_t x_stride, int64_t rows, int64_t k, QuantBlock* y,
                        ptrdiff_t y_stride);
  void (*matmul)(const Matmul&);
  void (*conv1d)(const Conv1d&);
  void (*depthwise_conv1d)(const DepthwiseConv1d&);
  void (*conv_transpose1d)(const ConvTranspose1d&);
  /// Null at levels without dot products of bf16.
  void (*conv1d_bf16)(const Conv1d&);
  void (*conv_transpose1d_bf16)(const ConvTranspose1d&);

  /// y[i] = op(x[i]); y may be x. alpha and beta as the enum says, else ignored.
  void (*unary)(Unary op, const float* x, float* y, int64_t n, float alpha, float beta);
  /// y[i] = op(a[i], b[i]); y may be a or b.
  void (*binary)(Binary op, const float* a, const float* b, float* y, int64_t n, Spread spread);
  /// y[i] = op(a[i], b[i]) ? 1 : 0
  void (*compare)(Compare op, const float* a, const float* b, uint8_t* y, int64_t n, Spread spread);
  /// y[i] = condition[i] ? a[i] : b[i]; y may be a or b.
  void (*select)(const uint8_t* condition, const float* a, const float* b, float* y, int64_t n,
                 Spread spread);
  /// y[i] = act(a[i]) * b[i]; y may be a or b.
  void (*gated)(Gate act, const float* a, const float* b, float* y, int64_t n);
  /// Narrow and widen, round to nearest even; to f16 beyond 65504 becomes infinity.
  void (*to_f16)(const float* x, uint16_t* y, int64_t n);
  void (*from_f16)(const uint16_t* x, float* y, int64_t n);
  void (*to_bf16)(const float* x, uint16_t* y, int64_t n);
  void (*from_bf16)(const uint16_t* x, float* y, int64_t n);

  void (*softmax)(const Rows&);
  void (*log_softmax)(const Rows&);
  /// (x - mean) / sqrt(variance + epsilon) * weight + bias
  void (*layer_norm)(const Rows&, const LayerNorm&);
  /// x / sqrt(mean(x^2) + epsilon) * weight
  void (*rms_norm)(const Rows&, const float* weight, float epsilon);
  /// y[r * y_stride] = op over row r.
  void (*reduce)(Reduce op, const Rows&);
  void (*rotary)(const Rotary&);

  void (*attention_rows)(const AttentionRows&);
  void (*attention_join)(const AttentionJoin&);
  /// Row-major keys [rows, head_dim] at k_stride to packed pages; slots past `rows` become zero.
  void (*pack_keys)(const float* k, ptrdiff_t k_stride, int64_t rows, int64_t head_dim, float* out);
  void (*cross_attention)(const CrossAttention&);
  void (*kv_append)(const KvAppend&);
  void (*lstm_cell)(const LstmCell&);
  void (*lstm_any_cell)(const LstmAnyCell&);

  /// The elementwise functions for every element but bool (`convert` and `compare_any`: bool too).
  /// Integers wrap; dividing one by zero gives 0. Functions of the reals only for f32 and f64, in
  /// double. y may be an operand of step 1.
  void (*unary_any)(Unary op, Element type, const void* x, void* y, int64_t n, double alpha,
                    double beta);
  void (*binary_any)(Binary op, Element type, Elements a, Elements b, void* y, int64_t n);
  void (*compare_any)(Compare op, Element type, Elements a, Elements b, uint8_t* y, int64_t n);
  void (*logic)(Logic op, Elements a, Elements b, uint8_t* y, int64_t n);
  /// y[i] = a[i] to the power of b[i], b being f64. Integers to a whole power wrap; other results
  /// are truncated to the nearest value in range.
  void (*power_any)(Element type, Elements a, Elements b, void* y, int64_t n);
  /// Floats to integers truncate to the nearest value in range, NaN to 0; integers wrap.
  void (*convert)(Element from, const void* x, Element to, void* y, int64_t n);
  /// *y = op over n contiguous elements; floats add in ascending order, the mean of integers
  /// truncates.
  void (*reduce_any)(Reduce op, Element type, const void* x, int64_t n, void* y);
  void (*cumulate)(Cumulate kind, Element type, const void* x, void* y, int64_t n, ptrdiff_t step);
  void (*product)(const Product&);
  /// y[i] = alpha * y[i] + beta * c[i]
  void (*blend)(Element type, void* y, int64_t n, float alpha, float beta, Elements c);
  void (*max_pool)(const MaxPool&);
  /// The rows in f64: y = softmax(x), and the normalisation without weights.
  void (*softmax_f64)(const double* x, double* y, int64_t n);
  void (*normalise_f64)(const double* x, double* y, int64_t n, double epsilon, float* mean,
                        float* inverse);

  void (*integer_product)(const IntegerProduct&);
  /// y[i] = sums[i] * scale[i] (+ bias[i], unless it is null); sums and scale hold whole panels.
  void (*scale_sums)(const int32_t* sums, int64_t n, const float* scale, const float* bias,
                     float* y);
  /// y[i] = saturate(round(x[i] / scale) + zero); NaN gives 0.
  void (*quantise)(const float* x, int64_t n, const float* scale, const float* zero, Grain grain,
                   Stored type, void* y);
  /// y[i] = (x[i] - zero) * scale
  void (*dequantise)(Stored type, const void* x, int64_t n, const float* scale, const int32_t* zero,
                     Grain grain, float* y);
};

}  // namespace tenwatt::cpu
