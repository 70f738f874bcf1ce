// Speed of the CPU kernels on one core, beside the roofs that the same process measures: fused
// adds in registers for float kernels, a streaming read for the ones bound by memory.
// Usage: kernels [LEVEL]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/probe/probe.h"

namespace tenwatt::cpu {
namespace {

// This thread's processor time, which a busy machine disturbs less than the clock on the wall.
double thread_seconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Seconds of one run, the fastest of several windows of at least 50 microseconds.
double fastest(const std::function<void()>& run) {
  const double first = thread_seconds();
  run();
  const int repeat = std::max(1, static_cast<int>(5e-5 / (thread_seconds() - first)));
  double best = 1e9;
  const double stop = thread_seconds() + 0.2;
  do {
    const double start = thread_seconds();
    for (int i = 0; i < repeat; ++i) run();
    best = std::min(best, (thread_seconds() - start) / repeat);
  } while (thread_seconds() < stop);
  return best;
}

void print(const char* name, double amount, const char* unit, double seconds) {
  std::printf("%-44s %8.1f %s\n", name, amount / seconds / 1e9, unit);
}

std::vector<float> ramp(size_t n) {
  std::vector<float> v(n);
  for (size_t i = 0; i < n; ++i) v[i] = static_cast<float>(i % 251) / 251.0f - 0.5f;
  return v;
}

void linear_float(const KernelTable& t, FloatFormat format, const char* name, int64_t rows,
                  int64_t n, int64_t k) {
  auto memory = HugeBuffer::allocate(panels_of(n) * float_panel_bytes(format, k));
  if (!memory) return;
  std::memset(memory->data(), 0x3c, memory->size());  // ordinary values in every format
  const auto x = ramp(rows * (k + 16));
  std::vector<float> y(rows * n);
  const double s = fastest([&] {
    t.linear_float({x.data(), k + 16, rows, k, memory->data(), format, nullptr, nullptr, 0,
                    y.data(), n, n, 0, panels_of(n)});
  });
  char label[80];
  std::snprintf(label, sizeof label, "linear_float %s %ldx%ldx%ld", name, rows, n, k);
  if (rows == 1) return print(label, static_cast<double>(memory->size()), "GB/s", s);
  print(label, 2.0 * rows * n * k, "GFLOPS", s);
}

void linear_block(const KernelTable& t, BlockFormat format, const char* name, int64_t rows,
                  int64_t n, int64_t k) {
  auto memory = HugeBuffer::allocate(panels_of(n) * block_panel_bytes(format, k));
  if (!memory) return;
  std::memset(memory->data(), 0x3c, memory->size());  // ordinary values in every format
  const auto x = ramp(rows * k);
  std::vector<QuantBlock> blocks(rows * k / 32);
  t.quantise_rows(x.data(), k, rows, k, blocks.data(), k / 32);
  std::vector<float> y(rows * n);
  const double s = fastest([&] {
    t.linear_block({blocks.data(), k / 32, rows, k, memory->data(), format, nullptr, nullptr, 0,
                    y.data(), n, n, 0, panels_of(n)});
  });
  char label[80];
  std::snprintf(label, sizeof label, "linear_block %s %ldx%ldx%ld", name, rows, n, k);
  if (rows < 4) return print(label, static_cast<double>(memory->size()), "GB/s", s);
  print(label, 2.0 * rows * n * k, "GOPS", s);
}

void quantise(const KernelTable& t) {
  const int64_t rows = 64, k = 576;
  const auto x = ramp(rows * k);
  std::vector<QuantBlock> blocks(rows * k / 32);
  print("quantise_rows 64x576", static_cast<double>(rows * k), "G/s",
        fastest([&] { t.quantise_rows(x.data(), k, rows, k, blocks.data(), k / 32); }));
}

void conv(const KernelTable& t, int64_t in, int64_t out, int64_t kernel, int64_t stride,
          int64_t length) {
  const auto x = ramp(in * length), w = ramp(out * in * kernel), bias = ramp(out);
  std::vector<float> packed(conv1d_weight_floats(out, in, 1, kernel)),
      scratch(conv1d_scratch_floats(in, kernel));
  pack_conv1d(w.data(), out, in, 1, kernel, packed.data());
  const int64_t pad = kernel / 2, frames = (length + 2 * pad - kernel) / stride + 1;
  std::vector<float> y(out * frames);
  const double s = fastest([&] {
    t.conv1d({x.data(), length, length, in, out, 1, kernel, stride, 1, pad, packed.data(),
              bias.data(), y.data(), frames, 0, conv1d_blocks(out, 1), 0, frames, scratch.data()});
  });
  char label[80];
  std::snprintf(label, sizeof label, "conv1d %ld->%ld k%ld s%ld T%ld", in, out, kernel, stride,
                length);
  print(label, 2.0 * in * out * kernel * frames, "GFLOPS", s);
}

void conv_transpose(const KernelTable& t, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                    int64_t length) {
  const auto x = ramp(in * length), w = ramp(out * in * kernel), bias = ramp(out);
  std::vector<float> packed(conv_transpose1d_weight_floats(in, out, kernel, stride)),
      scratch(conv1d_scratch_floats(in, (kernel + stride - 1) / stride));
  pack_conv_transpose1d(w.data(), in, out, kernel, stride, packed.data());
  const int64_t pad = (kernel - stride) / 2, frames = length * stride;
  std::vector<float> y(out * frames);
  const double s = fastest([&] {
    t.conv_transpose1d({x.data(), length, length, in, out, kernel, stride, pad, packed.data(),
                        bias.data(), y.data(), frames, 0, conv1d_blocks(out, 1), 0, frames,
                        scratch.data()});
  });
  char label[80];
  std::snprintf(label, sizeof label, "conv_transpose1d %ld->%ld k%ld s%ld T%ld", in, out, kernel,
                stride, length);
  print(label, 2.0 * in * out * kernel * length, "GFLOPS", s);
}

void matmul(const KernelTable& t, int64_t m, int64_t n, int64_t k, MatmulB layout) {
  const auto a = ramp(m * k), b = ramp(k * n);
  std::vector<float> c(m * n), scratch(matmul_scratch_floats(k));
  const int64_t stride = layout == MatmulB::kPlain ? n : k;
  const double s = fastest([&] {
    t.matmul({a.data(), k, b.data(), stride, c.data(), n, m, n, k, layout, scratch.data()});
  });
  char label[80];
  std::snprintf(label, sizeof label, "matmul%s %ldx%ldx%ld",
                layout == MatmulB::kPlain ? "" : " transposed", m, n, k);
  print(label, 2.0 * m * n * k, "GFLOPS", s);
}

void cross(const KernelTable& t, int64_t rows, int64_t keys) {
  const int64_t heads = 6, d = 64, stride = heads * d;
  const auto q = ramp(rows * stride), k = ramp(keys * stride), v = ramp(keys * stride);
  std::vector<float> packed(packed_keys_floats(keys, d)), out(rows * stride),
      scratch(cross_scratch_floats(d, d));
  t.pack_keys(k.data(), stride, keys, d, packed.data());
  const double s = fastest([&] {
    t.cross_attention({q.data(), stride, rows, d, d, packed.data(), nullptr, 0, v.data(), stride,
                       keys, 0.125f, out.data(), stride, scratch.data()});
  });
  char label[80];
  std::snprintf(label, sizeof label, "cross_attention %ld rows x %ld keys d64", rows, keys);
  print(label, 4.0 * rows * keys * d, "GFLOPS", s);
  if (rows == 1) return;
  const double pack = fastest([&] { t.pack_keys(k.data(), stride, keys, d, packed.data()); });
  print("pack_keys 1500 x 64", static_cast<double>(keys * d), "G/s", pack);
}

void attention(const KernelTable& t, int64_t rows, int64_t position, KvFormat format) {
  const int64_t groups = 3, d = 64, keys = position + rows;
  const int64_t pages = (keys + 63) / 64;
  const size_t bytes = format == KvFormat::kF16 ? 2 : 4;
  std::vector<std::vector<char>> storage(2 * pages, std::vector<char>(64 * d * bytes));
  std::vector<const void*> k, v;
  for (int64_t p = 0; p < pages; ++p) {
    k.push_back(storage[2 * p].data());
    v.push_back(storage[2 * p + 1].data());
  }
  const auto q = ramp(rows * groups * d);
  std::vector<float> out(rows * groups * d), scratch(attention_scratch_floats(d));
  AttentionRows job = {};
  job.q = q.data();
  job.q_stride = job.out_stride = groups * d;
  job.rows = rows;
  job.position = position;
  job.groups = groups;
  job.head_dim = job.value_dim = d;
  job.key_pages = k.data();
  job.value_pages = v.data();
  job.format = format;
  job.scale = 0.125f;
  job.out = out.data();
  job.scratch = scratch.data();
  const double s = fastest([&] { t.attention_rows(job); });
  double seen = 0;
  for (int64_t r = 0; r < rows; ++r) seen += static_cast<double>(position + r + 1);
  char label[80];
  std::snprintf(label, sizeof label, "attention_rows %s G3 %ld rows at %ld",
                format == KvFormat::kF16 ? "f16" : "f32", rows, position);
  print(label, 4.0 * seen * groups * d, "GFLOPS", s);
}

void elementwise(const KernelTable& t) {
  const auto x = ramp(4096);
  std::vector<float> y(4096);
  const std::pair<const char*, Unary> cases[] = {
      {"exp", Unary::kExp},   {"tanh", Unary::kTanh},           {"erf", Unary::kErf},
      {"log", Unary::kLog},   {"gelu_erf", Unary::kGeluErf},    {"silu", Unary::kSilu},
      {"relu", Unary::kRelu}, {"leaky_relu", Unary::kLeakyRelu}};
  for (const auto& [name, op] : cases) {
    print(name, 4096, "G/s",
          fastest([&, op = op] { t.unary(op, x.data(), y.data(), 4096, 0.1f, 0); }));
  }
  print("add", 4096, "G/s", fastest([&] {
          t.binary(Binary::kAdd, x.data(), x.data(), y.data(), 4096, Spread::kNone);
        }));
  print("rms_norm 576", 576, "G/s",
        fastest([&] { t.rms_norm({x.data(), 576, y.data(), 576, 1, 576}, x.data(), 1e-5f); }));
  print("layer_norm 384", 384, "G/s", fastest([&] {
          t.layer_norm({x.data(), 384, y.data(), 384, 1, 384},
                       {x.data(), x.data(), 1e-5f, nullptr, nullptr});
        }));
  print("softmax 1500", 1500, "G/s",
        fastest([&] { t.softmax({x.data(), 1500, y.data(), 1500, 1, 1500}); }));
}

void read_roof() {
  auto memory = HugeBuffer::allocate(size_t{96} << 20);
  if (!memory) return;
  std::memset(memory->data(), 1, memory->size());
  volatile uint64_t sink = 0;
  print("read roof, 96 MB", static_cast<double>(memory->size()), "GB/s", fastest([&] {
          typedef uint64_t Line __attribute__((vector_size(32)));
          const auto* p = reinterpret_cast<const Line*>(memory->data());
          Line a = {}, b = {};
          for (size_t i = 0; i < memory->size() / sizeof(Line); i += 2) {
            a ^= p[i];
            b ^= p[i + 1];
          }
          sink = sink + (a ^ b)[0];
        }));
}

void run(const KernelTable& t) {
  std::printf("%s, level %s, one core\n", processor_name().c_str(), t.name);
  read_roof();
  for (const int64_t rows : {1, 5, 96}) {
    linear_float(t, FloatFormat::kF32, "f32", rows, 1536, 384);
    linear_float(t, FloatFormat::kF16, "f16", rows, 1536, 384);
    linear_float(t, FloatFormat::kBF16, "bf16", rows, 1536, 384);
  }
  linear_float(t, FloatFormat::kF16, "f16 (DRAM)", 1, 51864, 768);
  for (const FormatInfo& row : all_formats()) {
    const auto format = block_format(row.format);
    if (!format) continue;
    const std::string name(row.name);
    linear_block(t, *format, name.c_str(), 1, 512, 768);
    linear_block(t, *format, name.c_str(), 1, 49152, 2304);
    for (const int64_t rows : {2, 4, 32, 256}) {
      linear_block(t, *format, name.c_str(), rows, 1536, 768);
    }
  }
  quantise(t);
  conv(t, 192, 192, 3, 1, 500);
  conv(t, 256, 256, 7, 1, 2000);
  conv(t, 32, 32, 11, 1, 30000);
  conv(t, 80, 384, 3, 1, 3000);
  conv(t, 384, 384, 3, 2, 3000);
  conv(t, 32, 1, 7, 1, 30000);
  conv(t, 192, 512, 1, 1, 400);
  conv_transpose(t, 512, 256, 16, 8, 300);
  conv_transpose(t, 128, 64, 8, 4, 3000);
  matmul(t, 300, 300, 96, MatmulB::kTransposed);
  matmul(t, 300, 96, 300, MatmulB::kPlain);
  matmul(t, 256, 1024, 256, MatmulB::kPlain);
  cross(t, 1, 1500);
  cross(t, 256, 1500);
  attention(t, 1, 100, KvFormat::kF16);
  attention(t, 1, 2000, KvFormat::kF16);
  attention(t, 64, 448, KvFormat::kF16);
  attention(t, 64, 448, KvFormat::kF32);
  elementwise(t);
}

}  // namespace
}  // namespace tenwatt::cpu

int main(int count, char** arguments) {
  using namespace tenwatt::cpu;
  Level level = best_level();
  if (count > 1) {
    const auto named = level_by_name(arguments[1]);
    if (!named) {
      std::fprintf(stderr, "no level is called %s\n", arguments[1]);
      return 2;
    }
    level = *named;
  }
  run(kernels(level));
}
