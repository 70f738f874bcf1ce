// The kernels of this translation unit's level, one per family: what level tables are made of.
// TENWATT_LEVEL is the level's name and namespace, set by the build.
#pragma once

#include "devices/cpu/kernels/table.h"

namespace tenwatt::cpu::TENWATT_LEVEL {

void linear_float(const LinearFloat& job);
void linear_block(const LinearBlock& job);
void quantise_rows(const float* x, ptrdiff_t x_stride, int64_t rows, int64_t k, QuantBlock* y,
                   ptrdiff_t y_stride);
void matmul(const Matmul& job);
void conv1d(const Conv1d& job);
void depthwise_conv1d(const DepthwiseConv1d& job);
void conv_transpose1d(const ConvTranspose1d& job);
void unary(Unary op, const float* x, float* y, int64_t n, float alpha, float beta);
void binary(Binary op, const float* a, const float* b, float* y, int64_t n, Spread spread);
void compare(Compare op, const float* a, const float* b, uint8_t* y, int64_t n, Spread spread);
void select(const uint8_t* condition, const float* a, const float* b, float* y, int64_t n,
            Spread spread);
void gated(Gate act, const float* a, const float* b, float* y, int64_t n);
void to_f16(const float* x, uint16_t* y, int64_t n);
void from_f16(const uint16_t* x, float* y, int64_t n);
void to_bf16(const float* x, uint16_t* y, int64_t n);
void from_bf16(const uint16_t* x, float* y, int64_t n);
void softmax(const Rows& job);
void log_softmax(const Rows& job);
void layer_norm(const Rows& job, const LayerNorm& norm);
void rms_norm(const Rows& job, const float* weight, float epsilon);
void reduce(Reduce op, const Rows& job);
void rotary(const Rotary& job);
void attention_rows(const AttentionRows& job);
void attention_join(const AttentionJoin& job);
void pack_keys(const float* k, ptrdiff_t k_stride, int64_t rows, int64_t head_dim, float* out);
void cross_attention(const CrossAttention& job);
void kv_append(const KvAppend& job);
void lstm_cell(const LstmCell& job);
void lstm_any_cell(const LstmAnyCell& job);
void unary_any(Unary op, Element type, const void* x, void* y, int64_t n, double alpha,
               double beta);
void binary_any(Binary op, Element type, Elements a, Elements b, void* y, int64_t n);
void compare_any(Compare op, Element type, Elements a, Elements b, uint8_t* y, int64_t n);
void logic(Logic op, Elements a, Elements b, uint8_t* y, int64_t n);
void power_any(Element type, Elements a, Elements b, void* y, int64_t n);
void convert(Element from, const void* x, Element to, void* y, int64_t n);
void reduce_any(Reduce op, Element type, const void* x, int64_t n, void* y);
void cumulate(Cumulate kind, Element type, const void* x, void* y, int64_t n, ptrdiff_t step);
void product(const Product& job);
void blend(Element type, void* y, int64_t n, float alpha, float beta, Elements c);
void max_pool(const MaxPool& job);
void softmax_f64(const double* x, double* y, int64_t n);
void normalise_f64(const double* x, double* y, int64_t n, double epsilon, float* mean,
                   float* inverse);
void integer_product(const IntegerProduct& job);
void scale_sums(const int32_t* sums, int64_t n, const float* scale, const float* bias, float* y);
void quantise(const float* x, int64_t n, const float* scale, const float* zero, Grain grain,
              Stored type, void* y);
void dequantise(Stored type, const void* x, int64_t n, const float* scale, const int32_t* zero,
                Grain grain, float* y);

// Compiled for levels that add to another one (kernels/*_bf16.level.cc).
void conv1d_bf16(const Conv1d& job);
void conv_transpose1d_bf16(const ConvTranspose1d& job);

/// The table of this level.
const KernelTable& table();

}  // namespace tenwatt::cpu::TENWATT_LEVEL
