// Attention over pages: against the definition in double, with poison in every slot that no row
// may see, and with the same bits for a query row alone, in a batch, and at any chunk boundary.
#include "unit/devices_cpu/kernels_support.h"

#include <algorithm>

namespace tenwatt::cpu {
namespace {

struct Sequence {
  int64_t rows, position, groups, kv_heads, head_dim, value_dim, window;
  KvFormat format;
  KeyLimit limit;
  float softcap;
  int64_t keys() const { return position + rows; }
};

// A state of `keys` rows in scattered pages, its slots past the end poisoned.
struct Pages {
  Pages(const KernelTable& table, const Sequence& s, const std::vector<float>& k,
        const std::vector<float>& v)
      : element(s.format == KvFormat::kF16 ? 2 : 4) {
    const int64_t count = (s.keys() + kKeysPerPage - 1) / kKeysPerPage;
    const size_t key_bytes = s.kv_heads * s.head_dim * kKeysPerPage * element;
    const size_t value_bytes = s.kv_heads * s.value_dim * kKeysPerPage * element;
    for (int64_t p = 0; p < count; ++p) {
      // All ones is a NaN in both formats.
      storage.emplace_back(key_bytes + value_bytes, std::byte{0xff});
    }
    for (auto& page : storage) {
      keys.push_back(page.data());
      values.push_back(page.data() + key_bytes);
    }
    for (int64_t i = 0; i < s.keys(); ++i) {
      table.kv_append({k.data() + i * s.kv_heads * s.head_dim,
                       v.data() + i * s.kv_heads * s.value_dim, s.kv_heads, s.head_dim, s.value_dim,
                       const_cast<void*>(keys[i / kKeysPerPage]),
                       const_cast<void*>(values[i / kKeysPerPage]), i % kKeysPerPage, s.format});
    }
  }
  size_t element;
  std::vector<std::vector<std::byte>> storage;
  std::vector<const void*> keys, values;
};

AttentionRows job_of(const Sequence& s, const Pages& pages, int64_t kv_head, const float* q,
                     float* out, float* scratch) {
  const int64_t heads = s.groups * s.kv_heads;
  AttentionRows job = {};
  job.q = q + kv_head * s.groups * s.head_dim;
  job.q_stride = heads * s.head_dim;
  job.rows = s.rows;
  job.position = s.position;
  job.groups = s.groups;
  job.head_dim = s.head_dim;
  job.value_dim = s.value_dim;
  job.key_pages = pages.keys.data();
  job.value_pages = pages.values.data();
  job.key_offset = kv_head * s.head_dim * kKeysPerPage * pages.element;
  job.value_offset = kv_head * s.value_dim * kKeysPerPage * pages.element;
  job.format = s.format;
  job.limit = s.limit;
  job.keys = s.keys();
  job.window = s.window;
  job.scale = 1.0f / std::sqrt(static_cast<float>(s.head_dim));
  job.softcap = s.softcap;
  job.out = out + kv_head * s.groups * s.value_dim;
  job.out_stride = heads * s.value_dim;
  job.scratch = scratch;
  return job;
}

class AttentionKernel : public EveryLevel {
 protected:
  Sequence random_sequence() {
    const int64_t dims[] = {64, 32, 80, 24};
    const int64_t d = dims[number(0, 3)];
    return {number(1, 12),
            number(0, 400),
            number(1, 5),
            number(1, 2),
            d,
            number(0, 3) ? d : 20,
            number(0, 1) ? 0 : number(1, 300),
            number(0, 1) ? KvFormat::kF16 : KvFormat::kF32,
            number(0, 3) ? KeyLimit::kCausal : KeyLimit::kAll,
            number(0, 3) ? 0.0f : 5.0f};
  }
};
INSTANTIATE_TEST_SUITE_P(Levels, AttentionKernel, testing::ValuesIn(usable_levels()),
                         [](const auto& level) { return std::string(level_name(level.param)); });

float stored(KvFormat format, float x) {
  return format == KvFormat::kF16 ? f16_to_f32(f32_to_f16(x)) : x;
}

TEST_P(AttentionKernel, EqualsTheDefinition) {
  for (int trial = 0; trial < 40; ++trial) {
    const Sequence s = random_sequence();
    const int64_t heads = s.groups * s.kv_heads;
    const auto q = random(s.rows * heads * s.head_dim);
    const auto k = random(s.keys() * s.kv_heads * s.head_dim, 2.0f);
    const auto v = random(s.keys() * s.kv_heads * s.value_dim);
    const Pages pages(table(), s, k, v);
    std::vector<float> out(s.rows * heads * s.value_dim, kPoison);
    std::vector<float> scratch(attention_scratch_floats(s.value_dim), kPoison);
    for (int64_t h = 0; h < s.kv_heads; ++h) {
      table().attention_rows(job_of(s, pages, h, q.data(), out.data(), scratch.data()));
    }
    for (int64_t r = 0; r < s.rows; ++r) {
      const int64_t end = s.limit == KeyLimit::kAll ? s.keys() : s.position + r + 1;
      const int64_t begin =
          s.limit == KeyLimit::kCausal && s.window ? std::max<int64_t>(0, end - s.window) : 0;
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t g = h / s.groups;
        std::vector<double> p(end);
        double peak = -1e300, sum = 0;
        for (int64_t j = begin; j < end; ++j) {
          double score = 0;
          for (int64_t d = 0; d < s.head_dim; ++d) {
            score += static_cast<double>(q[(r * heads + h) * s.head_dim + d]) *
                     stored(s.format, k[(j * s.kv_heads + g) * s.head_dim + d]);
          }
          score /= std::sqrt(static_cast<double>(s.head_dim));
          if (s.softcap > 0) score = s.softcap * std::tanh(score / s.softcap);
          p[j] = score;
          peak = std::max(peak, score);
        }
        for (int64_t j = begin; j < end; ++j) sum += p[j] = std::exp(p[j] - peak);
        for (int64_t d = 0; d < s.value_dim; ++d) {
          double exact = 0;
          for (int64_t j = begin; j < end; ++j) {
            exact += p[j] / sum * stored(s.format, v[(j * s.kv_heads + g) * s.value_dim + d]);
          }
          ASSERT_NEAR(out[(r * heads + h) * s.value_dim + d], exact, 1e-5) << "trial " << trial;
        }
      }
    }
  }
}

TEST_P(AttentionKernel, GivesAQueryRowTheSameBitsAloneAndInABatch) {
  for (int trial = 0; trial < 30; ++trial) {
    Sequence s = random_sequence();
    s.kv_heads = 1;
    const auto q = random(s.rows * s.groups * s.head_dim);
    const auto k = random(s.keys() * s.head_dim, 2.0f);
    auto v = random(s.keys() * s.value_dim);
    // A later row's infinite value must not leak into earlier rows.
    if (s.limit == KeyLimit::kCausal && s.format == KvFormat::kF32) v.back() = INFINITY;
    const Pages pages(table(), s, k, v);
    std::vector<float> scratch(attention_scratch_floats(s.value_dim), kPoison);
    std::vector<float> whole(s.rows * s.groups * s.value_dim), alone(whole.size());
    table().attention_rows(job_of(s, pages, 0, q.data(), whole.data(), scratch.data()));
    for (int64_t r = 0; r < s.rows; ++r) {
      AttentionRows job = job_of(s, pages, 0, q.data(), alone.data(), scratch.data());
      job.q += r * job.q_stride;
      job.out += r * job.out_stride;
      job.rows = 1;
      job.position += r;
      // Alone the state has no later rows: a causal row may only need the pages up to its own.
      table().attention_rows(job);
    }
    expect_same_bits(whole, alone);
  }
}

TEST_P(AttentionKernel, CrossAttentionEqualsPagedAttentionOverAllKeys) {
  for (const int64_t keys : {1, 64, 129, 300}) {
    for (const int64_t d : {5, 64}) {
      const int64_t rows = 11;
      const Sequence s = {keys, 0, 1, 1, d, d, 0, KvFormat::kF32, KeyLimit::kAll, 0.0f};
      const auto q = random(rows * d);
      const auto k = random(keys * d), v = random(keys * d);
      const Pages pages(table(), s, k, v);
      std::vector<float> packed(packed_keys_floats(keys, d), kPoison);
      table().pack_keys(k.data(), d, keys, d, packed.data());
      std::vector<float> scratch(cross_scratch_floats(d, d), kPoison);
      std::vector<float> paged(rows * d), cross(rows * d);
      AttentionRows job = job_of(s, pages, 0, q.data(), paged.data(), scratch.data());
      job.rows = rows;
      table().attention_rows(job);
      CrossAttention cross_job = {q.data(),     d, rows,          d, d,    packed.data(),
                                  nullptr,      0, v.data(),      d, keys, job.scale,
                                  cross.data(), d, scratch.data()};
      table().cross_attention(cross_job);
      expect_same_bits(paged, cross);
      cross_job.keys = nullptr;
      cross_job.k = k.data();
      cross_job.k_stride = d;
      table().cross_attention(cross_job);
      expect_same_bits(paged, cross);
    }
  }
}

TEST_P(AttentionKernel, AppendSaturatesHalfFloats) {
  const std::vector<float> k = {1e6f}, v = {-1e6f};
  std::vector<uint16_t> keys(64), values(64);
  table().kv_append({k.data(), v.data(), 1, 1, 1, keys.data(), values.data(), 5, KvFormat::kF16});
  EXPECT_EQ(f16_to_f32(keys[5]), 65504.0f);
  EXPECT_EQ(f16_to_f32(values[5]), -65504.0f);
  EXPECT_EQ(keys[4], 0);
}

}  // namespace
}  // namespace tenwatt::cpu
