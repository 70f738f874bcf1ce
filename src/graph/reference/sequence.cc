// Our own operators (graph/ops/own_operators.md) on the tokens axis of sequence models, except
// RmsNorm. Weights may be in any number format and are decoded to f32 row by row; activations are
// f32; sums are in double.
#include <cmath>
#include <numbers>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

double dot(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// Rows of a matrix in any format, decoded to f32 one at a time.
class Rows {
 public:
  static Result<Rows> of(const Tensor& matrix, std::string_view name) {
    if (matrix.rank() != 2) return invalid(std::string(name) + " must be a matrix");
    Rows rows;
    rows.info_ = &info(matrix.format());
    if (rows.info_->decode == nullptr) return wrong_format(name, matrix.format());
    rows.matrix_ = &matrix;
    rows.bytes_ = TENWATT_TRY(storage_bytes(matrix.format(), matrix.shape()[1]));
    rows.row_.resize(static_cast<size_t>(matrix.shape()[1]));
    return rows;
  }
  int64_t count() const { return matrix_->shape()[0]; }
  int64_t width() const { return matrix_->shape()[1]; }
  /// Valid until the next call.
  std::span<const float> row(int64_t index) {
    info_->decode(matrix_->bytes().subspan(static_cast<size_t>(index) * bytes_, bytes_), row_);
    return row_;
  }

 private:
  const FormatInfo* info_ = nullptr;
  const Tensor* matrix_ = nullptr;
  size_t bytes_ = 0;
  std::vector<float> row_;
};

/// x [..., k] times the transpose of w [n, k].
Result<Tensor> times_rows(const Tensor& x, const Tensor& w, std::string_view name) {
  Rows rows = TENWATT_TRY(Rows::of(w, name));
  if (x.rank() < 1 || x.shape().back() != rows.width()) {
    return invalid("x " + to_string(x.shape()) + " does not fit " + std::string(name) + " " +
                   to_string(w.shape()));
  }
  int64_t tokens = extent_product(x.shape(), 0, x.rank() - 1);
  int64_t n = rows.count();
  Shape shape = x.shape();
  shape.back() = n;
  Tensor result = TENWATT_TRY(Tensor::create(Format::kF32, std::move(shape)));
  if (result.count() == 0) return result;
  const float* from = x.values<float>().data();
  float* to = result.mutable_values<float>().data();
  for (int64_t j = 0; j < n; ++j) {
    std::span<const float> row = rows.row(j);
    for (int64_t t = 0; t < tokens; ++t) {
      to[t * n + j] = static_cast<float>(dot(from + t * rows.width(), row.data(), row.size()));
    }
  }
  return result;
}

Outputs linear(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "x", Format::kF32));
  const Tensor& w = *TENWATT_TRY(need(inputs, 1, "w"));
  const Tensor* bias = maybe(inputs, 2);
  Tensor result = TENWATT_TRY(times_rows(x, w, "w"));
  if (bias == nullptr) return one(std::move(result));
  if (bias->shape() != Shape{w.shape()[0]}) return invalid("bias does not fit w");
  Tensor decoded = TENWATT_TRY(bias->to_f32());
  std::span<const float> added = decoded.values<float>();
  std::span<float> to = result.mutable_values<float>();
  for (size_t i = 0; i < to.size(); ++i) to[i] += added[i % added.size()];
  return one(std::move(result));
}

Outputs embedding(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& id_input = *TENWATT_TRY(need(inputs, 0, "ids"));
  const Tensor& table = *TENWATT_TRY(need(inputs, 1, "table"));
  Integers ids = TENWATT_TRY(integers_of(id_input, "ids"));
  Rows rows = TENWATT_TRY(Rows::of(table, "table"));
  Shape shape = id_input.shape();
  shape.push_back(rows.width());
  Tensor result = TENWATT_TRY(Tensor::create(Format::kF32, std::move(shape)));
  float* to = result.mutable_values<float>().data();
  for (int64_t id : ids) {
    if (id < 0 || id >= rows.count()) {
      return fail(ErrorCode::kOutOfRange, "id " + std::to_string(id) + " is not in a table of " +
                                              std::to_string(rows.count()) + " rows");
    }
    to = std::ranges::copy(rows.row(id), to).out;
  }
  return one(std::move(result));
}

double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu_tanh(double x) {
  const double slope = std::sqrt(2 / std::numbers::pi);
  return 0.5 * x * (1 + std::tanh(slope * (x + 0.044715 * x * x * x)));
}

/// down(activation(gate x) * (up x)), arXiv 2002.05202.
Outputs gated_feed_forward(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "x", Format::kF32));
  const Tensor& gate = *TENWATT_TRY(need(inputs, 1, "gate"));
  const Tensor& up = *TENWATT_TRY(need(inputs, 2, "up"));
  const Tensor& down = *TENWATT_TRY(need(inputs, 3, "down"));
  std::string name = node.text("activation", "silu");
  if (name != "silu" && name != "gelu_tanh") return invalid("no activation '" + name + "'");
  auto activation = name == "silu" ? silu : gelu_tanh;
  Tensor gated = TENWATT_TRY(times_rows(x, gate, "gate"));
  Tensor wide = TENWATT_TRY(times_rows(x, up, "up"));
  if (gated.shape() != wide.shape()) return invalid("gate and up differ in shape");
  std::span<float> to = gated.mutable_values<float>();
  std::span<const float> factors = wide.values<float>();
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<float>(activation(to[i]) * factors[i]);
  }
  return one(TENWATT_TRY(times_rows(gated, down, "down")));
}

/// How far each pair of a head turns per position.
Result<std::vector<double>> frequencies(const Node& node, const Tensor* factors, int64_t turned) {
  double base = node.real("base", 10000);
  double scale = node.real("scale", 1);
  std::vector<double> divisors(static_cast<size_t>(turned / 2), 1.0);
  if (factors != nullptr) {
    if (factors->count() != turned / 2) return invalid("factors needs one number per pair");
    divisors = TENWATT_TRY(doubles_of(*factors, "factors"));
  }
  std::vector<double> result;
  for (size_t i = 0; i < divisors.size(); ++i) {
    double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(turned);
    result.push_back(scale * std::pow(base, exponent) / divisors[i]);
  }
  return result;
}

/// Which elements of a head turn together: pair i is (i*step, i*step + distance).
struct Pairing {
  int64_t step;
  int64_t distance;
};

/// Turns the pairs of one head at one position, arXiv 2104.09864.
void turn(std::span<float> head, std::span<const double> angles_per_position, double position,
          Pairing pairing) {
  for (size_t i = 0; i < angles_per_position.size(); ++i) {
    double angle = position * angles_per_position[i];
    size_t first = i * static_cast<size_t>(pairing.step);
    float& a = head[first];
    float& b = head[first + static_cast<size_t>(pairing.distance)];
    double turned_a = a * std::cos(angle) - b * std::sin(angle);
    double turned_b = a * std::sin(angle) + b * std::cos(angle);
    a = static_cast<float>(turned_a);
    b = static_cast<float>(turned_b);
  }
}

Outputs rotary_embedding(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "x", Format::kF32));
  const Tensor& position_input = *TENWATT_TRY(need(inputs, 1, "positions"));
  if (x.rank() != 3) return invalid("x must be [tokens, heads, d]");
  Integers positions = TENWATT_TRY(integers_of(position_input, "positions"));
  if (std::ssize(positions) != x.shape()[0]) return invalid("positions needs one per token");
  int64_t width = x.shape()[2];
  int64_t turned = node.integer("rotary_dim", width);
  if (turned <= 0) turned = width;
  if (turned > width || turned % 2 != 0) return invalid("rotary_dim does not fit the heads");
  std::vector<double> angles = TENWATT_TRY(frequencies(node, maybe(inputs, 2), turned));
  Pairing pairing = node.integer("interleaved", 0) != 0 ? Pairing{2, 1} : Pairing{1, turned / 2};
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  std::ranges::copy(x.bytes(), result.mutable_bytes().begin());
  std::span<float> values = result.mutable_values<float>();
  int64_t heads = x.shape()[1];
  for (int64_t row = 0; row < std::ssize(positions) * heads; ++row) {
    std::span<float> head =
        values.subspan(static_cast<size_t>(row * width), static_cast<size_t>(width));
    turn(head, angles, static_cast<double>(positions[static_cast<size_t>(row / heads)]), pairing);
  }
  return one(std::move(result));
}

/// Rows of keys or values that a slice sees: past ones, then those of this run.
struct Memory {
  const float* past = nullptr;
  int64_t past_rows = 0;
  const float* own = nullptr;
  int64_t stride = 0;  ///< floats per row
  const float* row(int64_t index) const {
    return index < past_rows ? past + index * stride : own + (index - past_rows) * stride;
  }
};

struct AttentionShape {
  int64_t heads;
  int64_t kv_heads;
  int64_t width;  ///< of queries and keys
  int64_t value_width;
};

struct Span {
  int64_t begin;
  int64_t end;
};

/// softmax(scale * q k^T) v of one head over the keys of `seen`.
void attend(const float* q, const Memory& keys, const Memory& values, int64_t kv_head,
            const AttentionShape& shape, Span seen, double scale, double softcap, float* to) {
  std::vector<double> scores;
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t i = seen.begin; i < seen.end; ++i) {
    const float* key = keys.row(i) + kv_head * shape.width;
    double score = scale * dot(q, key, static_cast<size_t>(shape.width));
    if (softcap > 0) score = softcap * std::tanh(score / softcap);
    largest = std::max(largest, score);
    scores.push_back(score);
  }
  double sum = 0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  std::vector<double> mix(static_cast<size_t>(shape.value_width), 0.0);
  for (int64_t i = seen.begin; i < seen.end; ++i) {
    const float* value = values.row(i) + kv_head * shape.value_width;
    double weight = scores[static_cast<size_t>(i - seen.begin)] / sum;
    for (size_t j = 0; j < mix.size(); ++j) mix[j] += weight * value[j];
  }
  std::ranges::transform(mix, to, [](double value) { return static_cast<float>(value); });
}

Result<AttentionShape> attention_shape(const Tensor& q, const Tensor& k, const Tensor& v) {
  if (q.rank() != 3 || k.rank() != 3 || v.rank() != 3) {
    return invalid("q, k and v must be [rows, heads, width]");
  }
  AttentionShape shape{q.shape()[1], k.shape()[1], q.shape()[2], v.shape()[2]};
  bool fits = k.shape()[0] == v.shape()[0] && v.shape()[1] == shape.kv_heads &&
              k.shape()[2] == shape.width && shape.kv_heads > 0 &&
              shape.heads % shape.kv_heads == 0;
  if (fits) return shape;
  return invalid("q " + to_string(q.shape()) + ", k " + to_string(k.shape()) + " and v " +
                 to_string(v.shape()) + " don't fit");
}

/// 1 / sqrt(width) where the node says nothing else.
double scale_of(const Node& node, const AttentionShape& shape) {
  return node.real("scale", static_cast<float>(1 / std::sqrt(static_cast<double>(shape.width))));
}

/// The past of a state and the slice's rows of this run.
Result<Memory> memory_of(const ReferenceSlice& slice, const std::string& state, const Tensor& own) {
  Memory memory;
  memory.stride = own.shape()[1] * own.shape()[2];
  memory.own = own.values<float>().data() + slice.first_row * memory.stride;
  auto past = slice.past.find(state);
  if (state.empty() || past == slice.past.end()) return memory;
  const Tensor& rows = past->second;
  if (rows.format() != Format::kF32 || rows.rank() < 1 ||
      rows.count() != rows.shape()[0] * memory.stride || rows.shape()[0] > slice.position) {
    return invalid("past rows of '" + state + "' " + to_string(rows.shape()) + " don't fit");
  }
  memory.past = rows.values<float>().data();
  memory.past_rows = rows.shape()[0];
  return memory;
}

struct AttentionMask {
  bool causal;
  int64_t window;  ///< 0: all
  /// Rows of memory that the row `at` sees; both count from the first past row.
  Span seen(int64_t at, int64_t rows) const {
    Span span{0, causal ? at + 1 : rows};
    if (window > 0) {
      span.begin = std::max<int64_t>(0, at - window + 1);
      span.end = std::min(span.end, at + window);
    }
    return span;
  }
};

/// A row sees keys of its own slice: with `causal` up to its own position, with `window` those
/// less than `window` positions away.
Outputs attention(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& q = *TENWATT_TRY(need_format(inputs, 0, "q", Format::kF32));
  const Tensor& k = *TENWATT_TRY(need_format(inputs, 1, "k", Format::kF32));
  const Tensor& v = *TENWATT_TRY(need_format(inputs, 2, "v", Format::kF32));
  AttentionShape shape = TENWATT_TRY(attention_shape(q, k, v));
  int64_t tokens = q.shape()[0];
  if (k.shape()[0] != tokens) return invalid("q and k differ in tokens");
  AttentionMask mask{node.integer("causal", 1) != 0, node.integer("window", 0)};
  Tensor result =
      TENWATT_TRY(Tensor::create(Format::kF32, {tokens, shape.heads, shape.value_width}));
  if (result.count() == 0) return one(std::move(result));
  std::vector<ReferenceSlice> whole(1);
  whole[0].rows = tokens;
  std::span<const ReferenceSlice> slices = context.slices;
  if (slices.empty()) slices = whole;
  for (const ReferenceSlice& slice : slices) {
    if (slice.first_row < 0 || slice.rows < 0 || slice.rows > tokens - slice.first_row) {
      return invalid("a slice exceeds the tokens");
    }
    Memory keys = TENWATT_TRY(memory_of(slice, node.text("k_state", ""), k));
    Memory values = TENWATT_TRY(memory_of(slice, node.text("v_state", ""), v));
    if (keys.past_rows != values.past_rows) return invalid("past keys and values differ in rows");
    for (int64_t row = 0; row < slice.rows; ++row) {
      Span seen = mask.seen(keys.past_rows + row, keys.past_rows + slice.rows);
      for (int64_t head = 0; head < shape.heads; ++head) {
        int64_t at = (slice.first_row + row) * shape.heads + head;
        attend(q.values<float>().data() + at * shape.width, keys, values,
               head / (shape.heads / shape.kv_heads), shape, seen, scale_of(node, shape),
               node.real("softcap", 0),
               result.mutable_values<float>().data() + at * shape.value_width);
      }
    }
  }
  return one(std::move(result));
}

/// Every row of q sees all rows of k and v.
Outputs cross_attention(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& q = *TENWATT_TRY(need_format(inputs, 0, "q", Format::kF32));
  const Tensor& stored_k = *TENWATT_TRY(need(inputs, 1, "k"));
  const Tensor& stored_v = *TENWATT_TRY(need(inputs, 2, "v"));
  Tensor k = TENWATT_TRY(stored_k.to_f32());
  Tensor v = TENWATT_TRY(stored_v.to_f32());
  AttentionShape shape = TENWATT_TRY(attention_shape(q, k, v));
  int64_t tokens = q.shape()[0];
  Tensor result =
      TENWATT_TRY(Tensor::create(Format::kF32, {tokens, shape.heads, shape.value_width}));
  if (result.count() == 0) return one(std::move(result));
  Memory keys{nullptr, 0, k.values<float>().data(), shape.kv_heads * shape.width};
  Memory values{nullptr, 0, v.values<float>().data(), shape.kv_heads * shape.value_width};
  for (int64_t at = 0; at < tokens * shape.heads; ++at) {
    attend(q.values<float>().data() + at * shape.width, keys, values,
           at % shape.heads / (shape.heads / shape.kv_heads), shape, {0, k.shape()[0]},
           scale_of(node, shape), 0,
           result.mutable_values<float>().data() + at * shape.value_width);
  }
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> sequence_kernels() {
  static constexpr Entry kEntries[] = {
      {"Attention", attention},
      {"CrossAttention", cross_attention},
      {"Embedding", embedding},
      {"GatedFeedForward", gated_feed_forward},
      {"Linear", linear},
      {"RotaryEmbedding", rotary_embedding},
      {"SelfAttention", cross_attention},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
