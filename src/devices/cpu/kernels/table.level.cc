// The table of one level.
#include "devices/cpu/kernels/level.h"

#define TENWATT_TEXT_OF(name) #name
#define TENWATT_TEXT(name) TENWATT_TEXT_OF(name)

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

const KernelTable kTable = {
    .name = TENWATT_TEXT(TENWATT_LEVEL),
    .linear_float = linear_float,
    .linear_block = linear_block,
    .quantise_rows = quantise_rows,
    .matmul = matmul,
    .conv1d = conv1d,
    .depthwise_conv1d = depthwise_conv1d,
    .conv_transpose1d = conv_transpose1d,
    .conv1d_bf16 = nullptr,
    .conv_transpose1d_bf16 = nullptr,
    .unary = unary,
    .binary = binary,
    .compare = compare,
    .select = select,
    .gated = gated,
    .to_f16 = to_f16,
    .from_f16 = from_f16,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .layer_norm = layer_norm,
    .rms_norm = rms_norm,
    .reduce = reduce,
    .rotary = rotary,
    .attention_rows = attention_rows,
    .attention_join = attention_join,
    .pack_keys = pack_keys,
    .cross_attention = cross_attention,
    .kv_append = kv_append,
    .lstm_cell = lstm_cell,
    .lstm_any_cell = lstm_any_cell,
    .unary_any = unary_any,
    .binary_any = binary_any,
    .compare_any = compare_any,
    .logic = logic,
    .power_any = power_any,
    .convert = convert,
    .reduce_any = reduce_any,
    .cumulate = cumulate,
    .product = product,
    .blend = blend,
    .max_pool = max_pool,
    .softmax_f64 = softmax_f64,
    .normalise_f64 = normalise_f64,
    .integer_product = integer_product,
    .scale_sums = scale_sums,
    .quantise = quantise,
    .dequantise = dequantise,
};

}  // namespace

const KernelTable& table() { return kTable; }

}  // namespace tenwatt::cpu::TENWATT_LEVEL
