// Attention with online softmax over chunks of 128 keys at absolute positions.
//
// A column is one query vector (a row and one of the heads that share the keys). Up to 8 columns
// go through a chunk together: scores with keys in the lanes, softmax of the chunk, then values
// with value dimensions in the lanes. A column's arithmetic is the same whatever its neighbours:
// scores ascend d with one accumulator, the chunk's maximum and sum are fixed trees over its 128
// lanes, values ascend over the keys this column sees, chunks are merged in order.
#include "devices/cpu/kernels/indices.h"
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/math.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kColumns = kRegisters == 32 ? 8 : (W == 8 ? 6 : 4);
constexpr int kVectors = 2;
constexpr int64_t kPage = kKeysPerPage;
constexpr int64_t kChunk = kKeysPerChunk;
constexpr int64_t kPagesPerChunk = kChunk / kPage;
static_assert(kPage % (kVectors * W) == 0);

struct Half {
  typedef uint16_t Element;
  static TENWATT_INLINE F get(const Element* p) { return load_f16(p); }
  static TENWATT_INLINE F get_part(const Element* p, int64_t n) { return load_f16_part(p, n); }
  static TENWATT_INLINE void put(Element* p, F v) {
    store_f16(p, min(set1(65504.0f), max(set1(-65504.0f), v)));  // NaN passes
  }
};
struct Single {
  typedef float Element;
  static TENWATT_INLINE F get(const Element* p) { return load(p); }
  static TENWATT_INLINE F get_part(const Element* p, int64_t n) { return load_part(p, n); }
  static TENWATT_INLINE void put(Element* p, F v) { store(p, v); }
};

// Pages scattered in memory, as a state keeps them.
template <class Kv>
struct ScatteredPages {
  typedef typename Kv::Element Element;
  const void* const* key_pages;
  const void* const* value_pages;
  size_t key_offset;
  size_t value_offset;
  ptrdiff_t value_stride;
  const Element* keys(int64_t page) const { return at(key_pages[page], key_offset); }
  const Element* values(int64_t page) const { return at(value_pages[page], value_offset); }
  void begin_chunk(int64_t) const {}
  static const Element* at(const void* page, size_t offset) {
    return reinterpret_cast<const Element*>(static_cast<const char*>(page) + offset);
  }
};

// Packed keys and row-major values in one piece each.
struct WholePages {
  typedef float Element;
  const float* all_keys;
  const float* all_values;
  ptrdiff_t key_page;
  ptrdiff_t value_stride;
  const float* keys(int64_t page) const { return all_keys + page * key_page; }
  const float* values(int64_t page) const { return all_values + page * kPage * value_stride; }
  void begin_chunk(int64_t) const {}
};

// Keys and values row by row: a chunk's keys are brought into pages when its turn comes, which
// for a few columns is cheaper than packing them all through memory first.
struct RowPages {
  typedef float Element;
  const float* all_keys;
  ptrdiff_t key_stride;
  int64_t key_rows;
  int64_t head_dim;
  float* chunk_keys;  // [2][head_dim][64]
  const float* all_values;
  ptrdiff_t value_stride;
  const float* keys(int64_t page) const {
    return chunk_keys + page % kPagesPerChunk * head_dim * kPage;
  }
  const float* values(int64_t page) const { return all_values + page * kPage * value_stride; }
  void begin_chunk(int64_t chunk) const {
    const int64_t left = key_rows - chunk * kChunk;
    pack_keys(all_keys + chunk * kChunk * key_stride, key_stride, left < kChunk ? left : kChunk,
              head_dim, chunk_keys);
  }
};

// One query vector, the keys it sees, its running softmax and its place in scratch.
struct Column {
  const float* q;
  float* out;
  int64_t begin;
  int64_t end;
  float* partial;  // where its chunks go unmerged, or null
  ptrdiff_t partial_stride;
  float peak;
  float sum;
  bool started;
};

struct Shape {
  int64_t head_dim;
  int64_t value_dim;
  int64_t padded;  // value_dim rounded up to 16
  float scale;
  float softcap;
};

// Scores of columns [0, C) against kVectors * W keys from `keys`, a page's [head_dim][64].
template <class Kv, int C>
TENWATT_INLINE void scores(const typename Kv::Element* keys, const Column* columns, int64_t d,
                           float* out) {
  F sum[C][kVectors];
  const float* q[C];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
    q[c] = columns[c].q;
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[c][v] = F{};
  }
  for (int64_t i = 0; i < d; ++i, keys += kPage) {
    F key[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) key[v] = Kv::get(keys + v * W);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const F value = set1(q[c][i]);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[c][v] = fma(value, key[v], sum[c][v]);
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) store(out + c * kChunk + v * W, sum[c][v]);
  }
}

// Scores of one column to probabilities relative to the chunk's own maximum, over keys
// [begin, end) of the chunk.
struct ChunkSoftmax {
  float peak;
  float sum;
};
ChunkSoftmax chunk_softmax(float* s, int64_t begin, int64_t end, const Shape& shape) {
  const int64_t first = begin / W * W;
  F peak = set1(-kInfinity);
  for (int64_t i = first; i < end; i += W) {
    F score = load(s + i) * shape.scale;
    if (shape.softcap > 0) score = shape.softcap * tanh(score / shape.softcap);
    if (i < begin || i + W > end) {
      score = choose(lanes_in(begin - i, end - i), score, set1(-kInfinity));
    }
    store(s + i, score);
    peak = max(score, peak);
  }
  const float top = fold_max(peak);
  const F shift = set1(top == -kInfinity ? 0.0f : top);
  F sum = F{};
  for (int64_t i = first; i < end; i += W) {
    const F p = exp(load(s + i) - shift);
    store(s + i, p);
    sum += p;
  }
  return {top, fold_sum(sum)};
}

// Adds keys [begin, end) of one page, weighted by p, to columns' value sums: V vectors of value
// dimensions from `at`. Loads and stores the sums, so a range can be added in pieces.
template <class Kv, int C, int V>
TENWATT_INLINE void add_values(const typename Kv::Element* values, ptrdiff_t stride, const float* p,
                               int64_t begin, int64_t end, int64_t at, int64_t left, float* sums,
                               int64_t padded) {
  F sum[C][V];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[c][v] = load(sums + c * padded + at + v * W);
  }
  values += begin * stride + at;
  const bool whole = left >= V * W;
  for (int64_t j = begin; j < end; ++j, values += stride) {
    F value[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      value[v] = whole ? Kv::get(values + v * W) : Kv::get_part(values + v * W, left - v * W);
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const F weight = set1(p[c * kChunk + j]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[c][v] = fma(weight, value[v], sum[c][v]);
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) store(sums + c * padded + at + v * W, sum[c][v]);
  }
}

// Keys [begin, end) of a chunk, over its pages and all value dimensions.
template <class Kv, int C, class Pages>
void add_chunk_values(const Pages& pages, int64_t chunk, const float* p, int64_t begin, int64_t end,
                      float* sums, const Shape& shape) {
  for (int64_t page = begin / kPage; page * kPage < end; ++page) {
    const int64_t base = page * kPage;
    const int64_t first = begin > base ? begin - base : 0;
    const int64_t last = end - base < kPage ? end - base : kPage;
    const auto* values = pages.values(chunk * kPagesPerChunk + page);
    int64_t at = 0;
    for (; at + W < shape.value_dim; at += kVectors * W) {
      add_values<Kv, C, kVectors>(values, pages.value_stride, p + base, first, last, at,
                                  shape.value_dim - at, sums, shape.padded);
    }
    if (at < shape.value_dim) {
      add_values<Kv, C, 1>(values, pages.value_stride, p + base, first, last, at,
                           shape.value_dim - at, sums, shape.padded);
    }
  }
}

// A chunk's share of each column: the keys [begin, end) of the chunk that it sees.
struct Range {
  int64_t begin;
  int64_t end;
};

// Values of all columns. Keys that every column sees go through the tile; the rest column by
// column, so that a key a column doesn't see never touches its sums, not even times zero.
template <class Kv, int C, class Pages>
void chunk_values(const Pages& pages, int64_t chunk, const float* p, const Range* ranges,
                  float* sums, const Shape& shape) {
  Range common = ranges[0];
  for (int c = 1; c < C; ++c) {
    common.begin = larger(common.begin, ranges[c].begin);
    common.end = smaller(common.end, ranges[c].end);
  }
  if (common.begin >= common.end) common.begin = common.end = 0;
  const bool shared = common.end > 0;
  for (int c = 0; c < C; ++c) {
    const int64_t before = shared ? common.begin : ranges[c].end;
    if (ranges[c].begin < before) {
      add_chunk_values<Kv, 1>(pages, chunk, p + c * kChunk, ranges[c].begin, before,
                              sums + c * shape.padded, shape);
    }
  }
  if (!shared) return;
  add_chunk_values<Kv, C>(pages, chunk, p, common.begin, common.end, sums, shape);
  for (int c = 0; c < C; ++c) {
    if (common.end < ranges[c].end) {
      add_chunk_values<Kv, 1>(pages, chunk, p + c * kChunk, common.end, ranges[c].end,
                              sums + c * shape.padded, shape);
    }
  }
}

// Joins a chunk's softmax and value sums with what the column has so far.
void merge(Column* column, const ChunkSoftmax& chunk, const float* sums, float* total,
           int64_t padded) {
  if (!column->started) {
    __builtin_memcpy(total, sums, static_cast<size_t>(padded) * sizeof(float));
    column->peak = chunk.peak;
    column->sum = chunk.sum;
    column->started = true;
    return;
  }
  const float peak = column->peak > chunk.peak ? column->peak : chunk.peak;
  const float shift = peak == -kInfinity ? 0.0f : peak;
  const F keep = exp(set1(column->peak - shift));
  const F join = exp(set1(chunk.peak - shift));
  for (int64_t i = 0; i < padded; i += W) {
    store(total + i, fma(load(total + i), keep, load(sums + i) * join));
  }
  column->sum = column->sum * keep[0] + chunk.sum * join[0];
  column->peak = peak;
}

// A chunk by itself, for `attention_join`.
void keep_apart(const Column& column, int64_t index, const ChunkSoftmax& chunk, const float* sums,
                int64_t padded) {
  float* to = column.partial + index * column.partial_stride;
  __builtin_memcpy(to, sums, static_cast<size_t>(padded) * sizeof(float));
  to[padded] = chunk.peak;
  to[padded + 1] = chunk.sum;
}

void finish(const Column& column, const float* total, int64_t value_dim) {
  const F inverse = set1(column.started ? 1.0f / column.sum : 0.0f);
  for (int64_t i = 0; i < value_dim; i += W) {
    const F value = column.started ? load(total + i) * inverse : F{};
    store_part(column.out + i, value, value_dim - i);
  }
}

template <class Kv, int C, class Pages>
void tile(const Pages& pages, Column* columns, const Shape& shape, float* scratch) {
  float* p = scratch;                       // [C][128]
  float* sums = p + C * kChunk;             // [C][padded], of the chunk
  float* totals = sums + C * shape.padded;  // [C][padded]
  int64_t begin = columns[0].begin;
  int64_t end = columns[0].end;
  for (int c = 1; c < C; ++c) {
    begin = smaller(begin, columns[c].begin);
    end = larger(end, columns[c].end);
  }
  for (int64_t chunk = begin / kChunk; chunk * kChunk < end; ++chunk) {
    const int64_t base = chunk * kChunk;
    pages.begin_chunk(chunk);
    const int64_t first = larger(begin - base, 0) / (kVectors * W) * (kVectors * W);
    const int64_t last = smaller(end - base, kChunk);
    for (int64_t j = first; j < last; j += kVectors * W) {
      const auto* keys = pages.keys(chunk * kPagesPerChunk + j / kPage) + j % kPage;
      scores<Kv, C>(keys, columns, shape.head_dim, p + j);
    }
    Range ranges[C];
    ChunkSoftmax softmax[C];
    for (int c = 0; c < C; ++c) {
      ranges[c] = {larger(columns[c].begin - base, 0), smaller(columns[c].end - base, kChunk)};
      if (ranges[c].begin >= ranges[c].end) {
        ranges[c] = {0, 0};
        continue;
      }
      softmax[c] = chunk_softmax(p + c * kChunk, ranges[c].begin, ranges[c].end, shape);
    }
    for (int64_t i = 0; i < C * shape.padded; i += W) store(sums + i, F{});
    chunk_values<Kv, C>(pages, chunk, p, ranges, sums, shape);
    for (int c = 0; c < C; ++c) {
      if (ranges[c].end == 0) continue;
      if (columns[c].partial) {
        keep_apart(columns[c], chunk - begin / kChunk, softmax[c], sums + c * shape.padded,
                   shape.padded);
        continue;
      }
      merge(columns + c, softmax[c], sums + c * shape.padded, totals + c * shape.padded,
            shape.padded);
    }
  }
  for (int c = 0; c < C; ++c) {
    if (columns[c].partial) continue;
    finish(columns[c], totals + c * shape.padded, shape.value_dim);
  }
}

template <class Kv, class Pages>
void tiles(const Pages& pages, Column* columns, int count, const Shape& shape, float* scratch) {
  switch (count) {
    case 1:
      return tile<Kv, 1>(pages, columns, shape, scratch);
    case 2:
      return tile<Kv, 2>(pages, columns, shape, scratch);
    case 3:
      return tile<Kv, 3>(pages, columns, shape, scratch);
    case 4:
      return tile<Kv, 4>(pages, columns, shape, scratch);
    default:
      break;
  }
  if constexpr (kColumns > 4) {
    if (count == 5) return tile<Kv, 5>(pages, columns, shape, scratch);
    if (count == 6) return tile<Kv, 6>(pages, columns, shape, scratch);
  }
  if constexpr (kColumns > 6) {
    switch (count) {
      case 7:
        return tile<Kv, 7>(pages, columns, shape, scratch);
      case 8:
        return tile<Kv, 8>(pages, columns, shape, scratch);
      default:
        break;
    }
  }
}

// Calls tiles over `count` columns made by make(i).
template <class Kv, class Pages, class Make>
TENWATT_INLINE void all_columns(const Pages& pages, int64_t count, const Shape& shape,
                                float* scratch, Make make) {
  for (int64_t i = 0; i < count; i += kColumns) {
    Column columns[kColumns];
    const int n = static_cast<int>(smaller(kColumns, count - i));
    for (int c = 0; c < n; ++c) columns[c] = make(i + c);
    tiles<Kv>(pages, columns, n, shape, scratch);
  }
}

int64_t padded_dim(int64_t value_dim) { return (value_dim + 15) / 16 * 16; }

template <class Kv>
void paged(const AttentionRows& job) {
  const ScatteredPages<Kv> pages = {job.key_pages, job.value_pages, job.key_offset,
                                    job.value_offset, job.value_dim};
  const Shape shape = {job.head_dim, job.value_dim, padded_dim(job.value_dim), job.scale,
                       job.softcap};
  const auto make = [&](int64_t i) {
    const int64_t row = i / job.groups;
    const int64_t head = i % job.groups;
    Column column = {};
    column.q = job.q + row * job.q_stride + head * job.head_dim;
    column.out = job.out + row * job.out_stride + head * job.value_dim;
    column.end = job.limit == KeyLimit::kAll ? job.keys : job.position + row + 1;
    if (job.limit == KeyLimit::kCausal && job.window > 0) {
      column.begin = larger(0, column.end - job.window);
    }
    if (job.partials) {
      column.begin = larger(column.begin, job.chunk_begin * kChunk);
      column.end = smaller(column.end, job.chunk_end * kChunk);
      column.partial = job.partials + head * partial_floats(job.value_dim);
      column.partial_stride = job.groups * partial_floats(job.value_dim);
    }
    return column;
  };
  all_columns<Kv>(pages, job.rows * job.groups, shape, job.scratch, make);
}

// One head's row of n elements, `step` elements apart.
template <class Kv>
TENWATT_INLINE void put_row(const float* x, int64_t n, typename Kv::Element* out, ptrdiff_t step) {
  for (int64_t i = 0; i < n; i += W) {
    typename Kv::Element lanes[W];
    Kv::put(lanes, n - i >= W ? load(x + i) : load_part(x + i, n - i));
    const int64_t count = smaller(W, n - i);
    for (int64_t j = 0; j < count; ++j) out[(i + j) * step] = lanes[j];
  }
}

template <class Kv>
void append(const KvAppend& job) {
  auto* keys = static_cast<typename Kv::Element*>(job.key_page) + job.slot;
  auto* values = static_cast<typename Kv::Element*>(job.value_page) + job.slot * job.value_dim;
  for (int64_t h = 0; h < job.kv_heads; ++h) {
    if (job.k) {
      put_row<Kv>(job.k + h * job.head_dim, job.head_dim, keys + h * job.head_dim * kPage, kPage);
    }
    if (job.v) {
      put_row<Kv>(job.v + h * job.value_dim, job.value_dim, values + h * kPage * job.value_dim, 1);
    }
  }
}

}  // namespace

void attention_rows(const AttentionRows& job) {
  if (job.format == KvFormat::kF16) return paged<Half>(job);
  paged<Single>(job);
}

void attention_join(const AttentionJoin& job) {
  const int64_t padded = padded_dim(job.value_dim);
  Column column = {};
  column.out = job.out;
  for (int64_t chunk = 0; chunk < job.chunks; ++chunk) {
    const float* partial = job.partials + chunk * job.partial_stride;
    merge(&column, {partial[padded], partial[padded + 1]}, partial, job.scratch, padded);
  }
  finish(column, job.scratch, job.value_dim);
}

void pack_keys(const float* k, ptrdiff_t k_stride, int64_t rows, int64_t head_dim, float* out) {
  for (int64_t first = 0; first < rows; first += W) {
    float* page = out + first / kPage * kPage * head_dim + first % kPage;
    const int64_t count = smaller(W, rows - first);
    int64_t d = 0;
    for (; d + W <= head_dim; d += W) {
      F block[W];
      for (int64_t j = 0; j < W; ++j) {
        block[j] = j < count ? load(k + (first + j) * k_stride + d) : F{};
      }
      transpose(block);
      for (int64_t i = 0; i < W; ++i) store(page + (d + i) * kPage, block[i]);
    }
    for (; d < head_dim; ++d) {
      for (int64_t j = 0; j < W; ++j) {
        page[d * kPage + j] = j < count ? k[(first + j) * k_stride + d] : 0.0f;
      }
    }
  }
  const int64_t packed = (rows + W - 1) / W * W;
  for (int64_t j = packed; j % kPage != 0; j += W) {
    float* page = out + j / kPage * kPage * head_dim + j % kPage;
    for (int64_t d = 0; d < head_dim; ++d) store(page + d * kPage, F{});
  }
}

void cross_attention(const CrossAttention& job) {
  const Shape shape = {job.head_dim, job.value_dim, padded_dim(job.value_dim), job.scale, 0.0f};
  const auto make = [&](int64_t i) {
    Column column = {};
    column.q = job.q + i * job.q_stride;
    column.out = job.out + i * job.out_stride;
    column.end = job.key_rows;
    return column;
  };
  if (job.keys == nullptr) {
    float* chunk_keys = job.scratch + attention_scratch_floats(job.value_dim);
    const RowPages pages = {job.k,      job.k_stride, job.key_rows, job.head_dim,
                            chunk_keys, job.v,        job.v_stride};
    return all_columns<Single>(pages, job.rows, shape, job.scratch, make);
  }
  const WholePages pages = {job.keys, job.v, job.head_dim * kPage, job.v_stride};
  all_columns<Single>(pages, job.rows, shape, job.scratch, make);
}

void kv_append(const KvAppend& job) {
  if (job.format == KvFormat::kF16) return append<Half>(job);
  append<Single>(job);
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
