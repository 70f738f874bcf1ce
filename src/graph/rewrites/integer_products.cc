// Products of dequantised values become products of the stored 8-bit integers:
//
//   Q(product(DQ(a), DQ(b)) + bias)  ->  QLinearMatMul or QLinearConv (a, b, bias), product being
//                                        MatMul, Gemm or Conv; without Q the result is f32
//   Cast(MatMulInteger(a, b)) * (a_scale * b_scale) + bias  ->  QLinearMatMul, result f32
//
// By the definition real = (stored - zero_point) * scale a scale that is one number for a, and one
// number or one per output for b, factors out of the sum, which is then one of integers. This row
// comes before constants are folded: folding would decode the weights.
#include "graph/ops/schema.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

struct Quantised {
  ValueId stored = kNoValue;
  ValueId scale = kNoValue;
  ValueId zero = kNoValue;
  std::optional<int64_t> axis;  ///< that has a scale per slice; nullopt: one scale
};

/// A new node and the values it makes.
struct Product {
  std::string_view op;
  Quantised a;
  Quantised b;
  ValueId bias = kNoValue;
};

class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph), consumers_(graph.consumers()) {}

  int64_t run() {
    int64_t changed = 0;
    const size_t count = graph_.nodes().size();  // nodes that are added here are none to look at
    for (size_t i = 0; i < count; ++i) {
      const auto id = static_cast<NodeId>(i);
      if (fold_product(id) || fold_scaled_integers(id)) ++changed;
    }
    return changed;
  }

 private:
  const Dims& shape(ValueId id) const { return graph_.value(id).type.shape; }
  Format format(ValueId id) const { return graph_.value(id).type.format; }
  bool is_single(ValueId id) const {
    const Dims& dims = shape(id);
    return dims.empty() || (dims.size() == 1 && dims[0].constant() == 1);
  }
  bool is_byte(ValueId id) const { return format(id) == Format::kI8 || format(id) == Format::kU8; }
  const Node* producer(ValueId id, std::string_view op) const {
    if (id == kNoValue || graph_.value(id).producer == kNoNode) return nullptr;
    const Node& node = graph_.node(graph_.value(id).producer);
    return node.op == op ? &node : nullptr;
  }
  /// The only reader of a value that is no output.
  NodeId reader(ValueId id, std::string_view op) const {
    if (static_cast<size_t>(id) >= consumers_.size() || graph_.is_output(id)) return kNoNode;
    const auto& readers = consumers_[static_cast<size_t>(id)];
    return readers.size() == 1 && graph_.node(readers[0]).op == op ? readers[0] : kNoNode;
  }

  ValueId zero_or(const Node& node, Format of) {
    if (node.inputs.size() > 2 && node.inputs[2] != kNoValue) return node.inputs[2];
    return graph_.add_constant(
        "zero_point", of == Format::kI8 ? Tensor::scalar<int8_t>(0) : Tensor::scalar<uint8_t>(0));
  }

  /// What the DequantizeLinear behind a value decodes.
  std::optional<Quantised> dequantised(ValueId id) {
    const Node* node = producer(id, "DequantizeLinear");
    if (!node || node->integer("block_size", 0) != 0) return std::nullopt;
    Quantised out{node->inputs[0], node->inputs[1], kNoValue, std::nullopt};
    if (!is_byte(out.stored) || format(out.scale) != Format::kF32) return std::nullopt;
    if (!is_single(out.scale)) {
      const auto rank = static_cast<int64_t>(shape(out.stored).size());
      const int64_t axis = node->integer("axis", 1);
      if (shape(out.scale).size() != 1 || axis < -rank || axis >= rank) return std::nullopt;
      out.axis = axis < 0 ? axis + rank : axis;
    }
    out.zero = zero_or(*node, format(out.stored));
    return out;
  }

  bool is_vector(ValueId id) const { return shape(id).size() == 1 && format(id) == Format::kF32; }

  std::optional<Product> product_of(const Node& node) {
    const bool gemm = node.op == "Gemm";
    const bool conv = node.op == "Conv";
    if (!gemm && !conv && node.op != "MatMul") return std::nullopt;
    if (gemm && (node.integer("transA", 0) != 0 || node.real("alpha", 1) != 1 ||
                 node.real("beta", 1) != 1)) {
      return std::nullopt;
    }
    Product out{conv ? "QLinearConv" : "QLinearMatMul", {}, {}, kNoValue};
    if (node.inputs.size() > 2) out.bias = node.inputs[2];
    if (out.bias != kNoValue && !is_vector(out.bias)) return std::nullopt;
    const auto a = dequantised(node.inputs[0]);
    const auto b = a ? dequantised(node.inputs[1]) : std::nullopt;
    if (!b || a->axis) return std::nullopt;
    const auto rank = static_cast<int64_t>(shape(b->stored).size());
    if (rank < 2 || shape(a->stored).size() < 2) return std::nullopt;
    const bool turned = gemm && node.integer("transB", 0) != 0;
    const int64_t outputs = conv || turned ? 0 : rank - 1;
    if (b->axis && *b->axis != outputs) return std::nullopt;
    // A Gemm's vector of one number is added to all outputs, which a bias is not.
    if (out.bias != kNoValue &&
        shape(out.bias)[0] != shape(b->stored)[static_cast<size_t>(outputs)])
      return std::nullopt;
    out.a = *a;
    out.b = *b;
    if (turned) out.b.stored = transposed(out.b.stored);
    return out;
  }

  ValueId transposed(ValueId id) {
    const Dims& from = shape(id);
    const ValueId turned = graph_.add_value(graph_.value(id).name + ".transposed",
                                            {format(id), {from[1], from[0]}, std::nullopt});
    Node node{"Transpose", "", {id}, {turned}, {{"perm", std::vector<int64_t>{1, 0}}}};
    graph_.add_node(std::move(node));
    return turned;
  }

  /// Makes `node` the product; attributes of convolutions stay.
  static void become(Node& node, const Product& product) {
    if (product.op == "QLinearMatMul") node.attributes.clear();
    node.op = product.op;
    node.inputs = {product.a.stored, product.a.scale, product.a.zero,
                   product.b.stored, product.b.scale, product.b.zero,
                   kNoValue,         kNoValue,        product.bias};
    if (product.bias == kNoValue) node.inputs.resize(6);
  }

  /// The QuantizeLinear that alone reads a product and gives it one scale.
  const Node* requantised(ValueId id) const {
    const NodeId at = reader(id, "QuantizeLinear");
    if (at == kNoNode) return nullptr;
    const Node& node = graph_.node(at);
    const bool fits = node.inputs[0] == id && is_single(node.inputs[1]) &&
                      format(node.inputs[1]) == Format::kF32 && is_byte(node.outputs[0]) &&
                      node.integer("block_size", 0) == 0;
    return fits ? &node : nullptr;
  }

  bool fold_product(NodeId id) {
    const auto product = product_of(graph_.node(id));
    if (!product) return false;
    const ValueId real = graph_.node(id).outputs[0];
    if (const Node* rounded = requantised(real)) {
      const ValueId scale = rounded->inputs[1];
      const ValueId result = rounded->outputs[0];
      const ValueId zero = zero_or(*rounded, format(result));
      const NodeId after = reader(real, "QuantizeLinear");
      Node& node = graph_.node(id);
      become(node, *product);
      node.inputs.resize(product->bias == kNoValue ? 8 : 9, kNoValue);
      node.inputs[6] = scale;
      node.inputs[7] = zero;
      // The product takes over the rounded value; what rounded it now makes the unread one.
      node.outputs[0] = result;
      graph_.node(after).outputs[0] = real;
      graph_.node(after).op = "Identity";
      graph_.node(after).inputs = {result};
      graph_.node(after).attributes.clear();
      return true;
    }
    become(graph_.node(id), *product);
    return true;
  }

  /// Scales of a dynamic product: one number, and one number or one per output.
  bool split_scales(ValueId scales, Product& product) const {
    const Node* node = producer(scales, "Mul");
    if (!node) return false;
    const Dims& weights = shape(product.b.stored);
    for (const size_t first : {size_t{0}, size_t{1}}) {
      const ValueId a = node->inputs[first];
      const ValueId b = node->inputs[1 - first];
      if (format(a) != Format::kF32 || !is_single(a)) continue;
      if (!is_single(b) && (shape(b).size() != 1 || shape(b)[0] != weights.back())) continue;
      product.a.scale = a;
      product.b.scale = b;
      return true;
    }
    return false;
  }

  bool fold_scaled_integers(NodeId id) {
    const Node& mul = graph_.node(id);
    if (mul.op != "Mul") return false;
    for (const size_t first : {size_t{0}, size_t{1}}) {
      const ValueId reals = mul.inputs[first];
      const Node* cast = producer(reals, "Cast");
      if (!cast || reader(reals, "Mul") != id || format(reals) != Format::kF32) continue;
      const Node* sums = producer(cast->inputs[0], "MatMulInteger");
      if (!sums || reader(cast->inputs[0], "Cast") == kNoNode) continue;
      Product product{"QLinearMatMul", {}, {}, kNoValue};
      product.a.stored = sums->inputs[0];
      product.b.stored = sums->inputs[1];
      if (shape(product.a.stored).size() < 2 || shape(product.b.stored).size() < 2) continue;
      if (!split_scales(mul.inputs[1 - first], product)) continue;
      const auto zero = [&](size_t input, ValueId of) {
        if (sums->inputs.size() > input && sums->inputs[input] != kNoValue)
          return sums->inputs[input];
        return graph_.add_constant("zero_point", format(of) == Format::kI8
                                                     ? Tensor::scalar<int8_t>(0)
                                                     : Tensor::scalar<uint8_t>(0));
      };
      product.a.zero = zero(2, product.a.stored);
      product.b.zero = zero(3, product.b.stored);
      if (!is_single(product.a.zero)) continue;
      become(graph_.node(id), product);
      add_bias(id, shape(product.b.stored).back());
      return true;
    }
    return false;
  }

  /// Takes a vector that is added to a product into it.
  void add_bias(NodeId id, const Dim& outputs) {
    const ValueId real = graph_.node(id).outputs[0];
    const NodeId at = reader(real, "Add");
    if (at == kNoNode) return;
    Node& add = graph_.node(at);
    const ValueId bias = add.inputs[add.inputs[0] == real ? 1 : 0];
    if (!is_vector(bias) || shape(bias)[0] != outputs) return;
    Node& product = graph_.node(id);
    product.inputs.resize(9, kNoValue);
    product.inputs[8] = bias;
    std::swap(product.outputs[0], add.outputs[0]);
    add.op = "Identity";
    add.inputs = {product.outputs[0]};
  }

  Graph& graph_;
  std::vector<std::vector<NodeId>> consumers_;
};

}  // namespace

Result<int64_t> integer_products(Graph& graph) { return Folder(graph).run(); }

}  // namespace tenwatt::graph
