// Convolutions over time against their definition in double, for any geometry, and independence
// of an output's bits from the tile and range it was computed in.
#include "unit/devices_cpu/kernels_support.h"

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(Conv1dKernel);

struct Case {
  int64_t in, out, groups, kernel, stride, dilation, pad_begin, pad_end, length;
  int64_t out_length() const {
    return (length + pad_begin + pad_end - dilation * (kernel - 1) - 1) / stride + 1;
  }
};

struct Buffers {
  std::vector<float> x, w, bias, packed, scratch;
};

Conv1d job_of(const Case& c, const Buffers& b, std::vector<float>& y, std::vector<float>& scratch) {
  return {b.x.data(),
          c.length,
          c.length,
          c.in,
          c.out,
          c.groups,
          c.kernel,
          c.stride,
          c.dilation,
          c.pad_begin,
          b.packed.data(),
          b.bias.data(),
          y.data(),
          c.out_length(),
          0,
          conv1d_blocks(c.out, c.groups),
          0,
          c.out_length(),
          scratch.data()};
}

class Conv1dCases : public EveryLevel {
 protected:
  Case random_case() {
    for (;;) {
      const int64_t groups = number(0, 2) ? 1 : number(1, 3);
      const Case c = {groups * number(1, 9),
                      groups * number(1, 21),
                      groups,
                      number(1, 7),
                      number(0, 1) ? 1 : number(1, 4),
                      number(1, 5),
                      number(0, 9),
                      number(0, 9),
                      number(1, 120)};
      if (c.length + c.pad_begin + c.pad_end > c.dilation * (c.kernel - 1)) return c;
    }
  }
  Buffers fill(const Case& c) {
    Buffers b;
    b.x = random(c.in * c.length);
    b.w = random(c.out * c.in / c.groups * c.kernel);
    b.bias = random(c.out);
    b.packed.resize(conv1d_weight_floats(c.out, c.in / c.groups, c.groups, c.kernel));
    pack_conv1d(b.w.data(), c.out, c.in / c.groups, c.groups, c.kernel, b.packed.data());
    b.scratch.resize(conv1d_scratch_floats(c.in / c.groups, c.kernel), kPoison);
    return b;
  }
};

INSTANTIATE_TEST_SUITE_P(Levels, Conv1dCases, testing::ValuesIn(usable_levels()),
                         [](const auto& level) { return std::string(level_name(level.param)); });

TEST_P(Conv1dCases, EqualTheDefinition) {
  for (int trial = 0; trial < 120; ++trial) {
    const Case c = random_case();
    Buffers b = fill(c);
    std::vector<float> y(c.out * c.out_length(), kPoison);
    table().conv1d(job_of(c, b, y, b.scratch));
    const int64_t in_group = c.in / c.groups, out_group = c.out / c.groups;
    for (int64_t o = 0; o < c.out; ++o) {
      for (int64_t t = 0; t < c.out_length(); ++t) {
        Exact exact;
        exact.add(b.bias[o]);
        for (int64_t i = 0; i < in_group; ++i) {
          for (int64_t k = 0; k < c.kernel; ++k) {
            const int64_t at = t * c.stride + k * c.dilation - c.pad_begin;
            if (at < 0 || at >= c.length) continue;
            const int64_t channel = o / out_group * in_group + i;
            exact.add(static_cast<double>(b.w[(o * in_group + i) * c.kernel + k]) *
                      b.x[channel * c.length + at]);
          }
        }
        ASSERT_ROUNDED(y[o * c.out_length() + t], exact) << "trial " << trial;
      }
    }
  }
}

TEST_P(Conv1dCases, GiveAnOutputTheSameBitsInAnyRange) {
  for (int trial = 0; trial < 40; ++trial) {
    const Case c = random_case();
    Buffers b = fill(c);
    std::vector<float> whole(c.out * c.out_length(), kPoison), pieces = whole;
    table().conv1d(job_of(c, b, whole, b.scratch));
    Conv1d job = job_of(c, b, pieces, b.scratch);
    for (int64_t block = 0; block < conv1d_blocks(c.out, c.groups); ++block) {
      for (int64_t t = 0; t < c.out_length();) {
        const int64_t count = std::min(c.out_length() - t, number(1, 40));
        job.block_begin = block;
        job.block_end = block + 1;
        job.t_begin = t;
        job.t_end = t + count;
        table().conv1d(job);
        t += count;
      }
    }
    expect_same_bits(whole, pieces);
  }
}

TEST_P(Conv1dCases, EndsHaveTheBitsOfTheOperatorsTheyStandFor) {
  for (int trial = 0; trial < 60; ++trial) {
    const Case c = random_case();
    const size_t outputs = c.out * c.out_length();
    Buffers b = fill(c);
    const std::vector<float> first = random(outputs), second = random(outputs);

    std::vector<float> joined(outputs, kPoison);
    Conv1d job = job_of(c, b, joined, b.scratch);
    job.ends = {0.1f, {first.data(), second.data()}, 3.0f, ConvEnds::Out::kTanh};
    table().conv1d(job);

    std::vector<float> apart(outputs, kPoison);
    table().unary(Unary::kLeakyRelu, b.x.data(), b.x.data(), b.x.size(), 0.1f, 0);
    table().conv1d(job_of(c, b, apart, b.scratch));
    const float three = 3.0f;
    float* y = apart.data();
    table().binary(Binary::kAdd, y, first.data(), y, outputs, Spread::kNone);
    table().binary(Binary::kAdd, y, second.data(), y, outputs, Spread::kNone);
    table().binary(Binary::kDiv, y, &three, y, outputs, Spread::kB);
    table().unary(Unary::kTanh, y, y, outputs, 0, 0);
    ASSERT_NO_FATAL_FAILURE(expect_same_bits(joined, apart)) << "trial " << trial;
  }
}

/// What bf16 operands are multiplied as.
std::vector<float> rounded(std::vector<float> values) {
  for (float& value : values) value = bf16_to_f32(f32_to_bf16(value));
  return values;
}

TEST_P(Conv1dCases, WithBf16OperandsEqualTheDefinitionInAnyRange) {
  if (!table().conv1d_bf16) GTEST_SKIP() << "no dot products of bf16 at this level";
  for (int trial = 0; trial < 120; ++trial) {
    Case c = random_case();
    c.groups = 1;
    c.stride = 1;
    c.length += trial % 3 ? 0 : 1300;  // longer than one stretch
    Buffers b = fill(c);
    std::vector<uint32_t> packed(conv1d_bf16_words(c.out, c.in, c.kernel));
    pack_conv1d_bf16(b.w.data(), c.out, c.in, c.kernel, packed.data());
    const int64_t reach = (c.kernel - 1) * c.dilation;
    std::vector<float> scratch(conv_bf16_scratch_bytes(c.in, reach) / sizeof(float), kPoison);
    std::vector<float> whole(c.out * c.out_length(), kPoison), pieces = whole;
    Conv1d job = job_of(c, b, whole, scratch);
    job.weights = packed.data();
    table().conv1d_bf16(job);

    const std::vector<float> x = rounded(b.x), w = rounded(b.w);
    for (int64_t o = 0; o < c.out; ++o) {
      for (int64_t t = 0; t < c.out_length(); ++t) {
        Exact exact;
        exact.add(b.bias[o]);
        for (int64_t i = 0; i < c.in; ++i) {
          for (int64_t k = 0; k < c.kernel; ++k) {
            const int64_t at = t + k * c.dilation - c.pad_begin;
            if (at < 0 || at >= c.length) continue;
            exact.add(static_cast<double>(w[(o * c.in + i) * c.kernel + k]) * x[i * c.length + at]);
          }
        }
        ASSERT_ROUNDED(whole[o * c.out_length() + t], exact) << "trial " << trial;
      }
    }

    job.y = pieces.data();
    for (int64_t block = 0; block < conv1d_blocks(c.out, 1); ++block) {
      for (job.t_begin = 0; job.t_begin < c.out_length(); job.t_begin = job.t_end) {
        job.block_begin = block;
        job.block_end = block + 1;
        job.t_end = std::min(c.out_length(), job.t_begin + number(1, 150));
        table().conv1d_bf16(job);
      }
    }
    ASSERT_NO_FATAL_FAILURE(expect_same_bits(whole, pieces)) << "trial " << trial;
  }
}

TEST_P(Conv1dKernel, DepthwiseEqualsTheDefinition) {
  for (int trial = 0; trial < 60; ++trial) {
    const int64_t channels = number(1, 5), kernel = number(1, 9), length = number(20, 90);
    const int64_t stride = number(1, 3), dilation = number(1, 2), pad = number(0, 6);
    const int64_t out = (length + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
    const auto x = random(channels * length), w = random(channels * kernel),
               bias = random(channels);
    std::vector<float> y(channels * out + 1, 77.0f);
    DepthwiseConv1d job = {x.data(),    length,   length, kernel, stride,   dilation, pad, w.data(),
                           bias.data(), y.data(), out,    0,      channels, 0,        out};
    table().depthwise_conv1d(job);
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t t = 0; t < out; ++t) {
        Exact exact;
        exact.add(bias[c]);
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t at = t * stride + k * dilation - pad;
          if (at >= 0 && at < length) {
            exact.add(static_cast<double>(w[c * kernel + k]) * x[c * length + at]);
          }
        }
        ASSERT_ROUNDED(y[c * out + t], exact);
      }
    }
    ASSERT_EQ(y.back(), 77.0f);
    std::vector<float> pieces(channels * out + 1, 77.0f);
    job.y = pieces.data();
    for (int64_t t = 0; t < out; t += 5) {
      job.t_begin = t;
      job.t_end = std::min(out, t + 5);
      table().depthwise_conv1d(job);
    }
    expect_same_bits(y, pieces);
  }
}

struct Transposed {
  int64_t in = 1, out = 1, stride = 1, kernel = 1, pad = 0, length = 1, out_length = 1;
  std::vector<float> x, w, bias;

  ConvTranspose1d job(const void* weights, std::vector<float>& y,
                      std::vector<float>& scratch) const {
    return {
        x.data(), length,     length,        in,       out,        kernel, stride,
        pad,      weights,    bias.data(),   y.data(), out_length, 0,      conv1d_blocks(out, 1),
        0,        out_length, scratch.data()};
  }
};

class TransposedCases : public EveryLevel {
 protected:
  using Kernel = void (*)(const ConvTranspose1d&);

  Transposed random_case() {
    Transposed c;
    c.in = number(1, 9);
    c.out = number(1, 19);
    c.stride = number(1, 8);
    c.kernel = number(1, 17);
    c.length = number(1, 60);
    const int64_t full = (c.length - 1) * c.stride + c.kernel;
    c.pad = number(0, std::min<int64_t>(6, full - 1));
    c.out_length = std::max<int64_t>(1, full - 2 * c.pad + number(0, c.stride - 1));
    c.x = random(c.in * c.length);
    c.w = random(c.in * c.out * c.kernel);
    c.bias = random(c.out);
    return c;
  }

  /// The kernel's outputs against the definition over operands x and w, and in pieces.
  void check(Kernel kernel, ConvTranspose1d job, const Transposed& c, const std::vector<float>& x,
             const std::vector<float>& w) {
    std::vector<float> y(c.out * c.out_length, kPoison);
    job.y = y.data();
    kernel(job);
    for (int64_t o = 0; o < c.out; ++o) {
      for (int64_t t = 0; t < c.out_length; ++t) {
        Exact exact;
        exact.add(c.bias[o]);
        for (int64_t i = 0; i < c.in; ++i) {
          for (int64_t k = 0; k < c.kernel; ++k) {
            const int64_t at = t + c.pad - k;
            if (at < 0 || at % c.stride != 0 || at / c.stride >= c.length) continue;
            exact.add(static_cast<double>(w[(i * c.out + o) * c.kernel + k]) *
                      x[i * c.length + at / c.stride]);
          }
        }
        ASSERT_ROUNDED(y[o * c.out_length + t], exact);
      }
    }
    std::vector<float> pieces(c.out * c.out_length, kPoison);
    job.y = pieces.data();
    for (int64_t block = 0; block < conv1d_blocks(c.out, 1); ++block) {
      for (int64_t t = 0; t < c.out_length;) {
        job.block_begin = block;
        job.block_end = block + 1;
        job.t_begin = t;
        job.t_end = std::min(c.out_length, t + number(1, 90));
        kernel(job);
        t = job.t_end;
      }
    }
    expect_same_bits(y, pieces);
  }
};

INSTANTIATE_TEST_SUITE_P(Levels, TransposedCases, testing::ValuesIn(usable_levels()),
                         [](const auto& level) { return std::string(level_name(level.param)); });

TEST_P(TransposedCases, EqualTheDefinitionInAnyRange) {
  for (int trial = 0; trial < 80; ++trial) {
    const Transposed c = random_case();
    std::vector<float> packed(conv_transpose1d_weight_floats(c.in, c.out, c.kernel, c.stride));
    pack_conv_transpose1d(c.w.data(), c.in, c.out, c.kernel, c.stride, packed.data());
    std::vector<float> scratch(conv1d_scratch_floats(c.in, (c.kernel + c.stride - 1) / c.stride));
    std::vector<float> x = c.x, y;
    ConvTranspose1d job = c.job(packed.data(), y, scratch);
    if (trial % 2) {
      job.leak = 0.1f;
      table().unary(Unary::kLeakyRelu, x.data(), x.data(), x.size(), 0.1f, 0);
    }
    ASSERT_NO_FATAL_FAILURE(check(table().conv_transpose1d, job, c, x, c.w)) << "trial " << trial;
  }
}

TEST_P(TransposedCases, WithBf16OperandsEqualTheDefinitionInAnyRange) {
  if (!table().conv_transpose1d_bf16) GTEST_SKIP() << "no dot products of bf16 at this level";
  for (int trial = 0; trial < 80; ++trial) {
    const Transposed c = random_case();
    std::vector<uint32_t> packed(conv_transpose1d_bf16_words(c.in, c.out, c.kernel, c.stride));
    pack_conv_transpose1d_bf16(c.w.data(), c.in, c.out, c.kernel, c.stride, packed.data());
    const int64_t reach = (c.kernel + c.stride - 1) / c.stride - 1;
    std::vector<float> scratch(conv_bf16_scratch_bytes(c.in, reach) / sizeof(float), kPoison), y;
    const ConvTranspose1d job = c.job(packed.data(), y, scratch);
    ASSERT_NO_FATAL_FAILURE(
        check(table().conv_transpose1d_bf16, job, c, rounded(c.x), rounded(c.w)))
        << "trial " << trial;
  }
}

}  // namespace
}  // namespace tenwatt::cpu
