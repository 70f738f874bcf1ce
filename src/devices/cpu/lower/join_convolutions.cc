// The rewriting half of lower/convolution.h: a joined node is the convolution's node under another
// name, with the residuals as further inputs and the rest as attributes.
#include <algorithm>
#include <vector>

#include "devices/cpu/lower/convolution.h"
#include "devices/cpu/pack/packing.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

constexpr size_t kMaxResiduals = 2;

bool is_conv_packing(Packing packing) {
  return packing == Packing::kConv || packing == Packing::kConvBf16 ||
         packing == Packing::kConvTranspose || packing == Packing::kConvTransposeBf16;
}

bool is_convolution(const Node& node) { return node.op == "Conv" || node.op == "ConvTranspose"; }

class Joiner {
 public:
  explicit Joiner(const Graph& graph) : graph_(graph), readers_(graph.values().size()) {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      for (ValueId id : graph_.nodes()[i].inputs) {
        if (id != kNoValue) readers(id).add(static_cast<NodeId>(i));
      }
    }
    for (ValueId id : graph_.outputs) keep(id);
    for (const graph::State& state : graph_.states) keep(state.write);
    for (const graph::Symbol& symbol : graph_.symbols()) {
      if (symbol.source) keep(symbol.source->value);
    }
  }

  Result<std::optional<Graph>> run() {
    // From the last one on, so that a sum of two convolutions joins the later one, which waits for
    // the other anyway.
    for (size_t i = graph_.nodes().size(); i-- > 0;) join(static_cast<NodeId>(i));
    if (!changed_) return std::optional<Graph>();
    drop_unused_activations();
    graph_.erase_nodes(gone_);
    TENWATT_TRY(graph_.normalise());
    return std::optional<Graph>(std::move(graph_));
  }

 private:
  /// The nodes that read a value, once for each input. Where there is one, the sum names it.
  struct Readers {
    int64_t count = 0;
    int64_t sum = 0;  ///< of their ids
    void add(NodeId id) {
      ++count;
      sum += id;
    }
    void remove(NodeId id) {
      --count;
      sum -= id;
    }
    NodeId only() const { return count == 1 ? static_cast<NodeId>(sum) : kNoNode; }
  };

  Readers& readers(ValueId id) { return readers_[static_cast<size_t>(id)]; }
  /// A value that is wanted besides by nodes.
  void keep(ValueId id) {
    if (id != kNoValue && static_cast<size_t>(id) < readers_.size()) readers(id).count += 2;
  }

  bool is_f32(ValueId id) const { return graph_.value(id).type.format == Format::kF32; }

  bool fits(const Node& node) const {
    if (!is_convolution(node)) return false;
    if (node.inputs.size() < 2 || node.inputs.size() > 3 || node.outputs.size() != 1) return false;
    if (!conv_axis(node) || !node.integers("output_shape").empty()) return false;
    if (!is_conv_packing(wanted_packing(graph_, node, 1))) return false;
    const bool has_bias = node.inputs.size() == 3 && node.inputs[2] != kNoValue;
    if (has_bias && !graph_.value(node.inputs[2]).constant) return false;
    const auto& x = graph_.value(node.inputs[0]).type;
    const Shape& w = graph_.value(node.inputs[1]).constant->shape();
    if (x.shape.size() != 3 || x.format != Format::kF32 || !is_f32(node.outputs[0])) return false;
    const int64_t channels = node.op == "Conv" ? w[1] * node.integer("group", 1) : w[0];
    return x.shape[1].constant() == channels;
  }

  void join(NodeId id) {
    if (!fits(graph_.node(id))) return;
    Node node = graph_.node(id);
    const std::string op = node.op;
    node.op = "Joined" + node.op;
    node.inputs.resize(3, kNoValue);
    const bool leaky = take_activation(node, id);
    const bool followed = op == "Conv" && take_followers(node, id);
    if (!leaky && !followed) return;
    graph_.value(node.outputs[0]).producer = id;
    graph_.node(id) = std::move(node);
    changed_ = true;
  }

  bool take_activation(Node& node, NodeId id) {
    const NodeId before = graph_.value(node.inputs[0]).producer;
    if (before == kNoNode || graph_.node(before).op != "LeakyRelu") return false;
    const Node& activation = graph_.node(before);
    readers(node.inputs[0]).remove(id);
    node.inputs[0] = activation.inputs[0];
    readers(node.inputs[0]).add(id);
    node.attributes["leak"] = activation.real("alpha", 0.01f);
    return true;
  }

  bool take_followers(Node& node, NodeId id) {
    bool any = false;
    for (bool open = true; open;) {
      const NodeId next = readers(node.outputs[0]).only();
      if (next == kNoNode || !take(node, graph_.node(next))) break;
      for (ValueId read : graph_.node(next).inputs) {
        if (read == kNoValue) continue;
        readers(read).remove(next);
        readers(read).add(id);
      }
      open = graph_.node(next).op != "Tanh";
      graph_.value(node.outputs[0]).producer = kNoNode;
      node.outputs[0] = graph_.node(next).outputs[0];
      gone_.push_back(next);
      any = true;
    }
    return any;
  }

  bool take(Node& node, const Node& next) {
    const ValueId sum = node.outputs[0];
    if (next.op == "Tanh") {
      node.attributes["tanh"] = int64_t{1};
      return true;
    }
    if (next.inputs.size() != 2 || node.attribute("divisor")) return false;
    if (next.op == "Add") {
      const ValueId other = next.inputs[next.inputs[0] == sum ? 1 : 0];
      const bool same = is_f32(other) && !graph_.value(other).constant &&
                        graph_.value(other).type.shape == graph_.value(sum).type.shape;
      if (!same || node.inputs.size() == 3 + kMaxResiduals) return false;
      node.inputs.push_back(other);
      return true;
    }
    if (next.op != "Div" || next.inputs[0] != sum) return false;
    const auto& divisor = graph_.value(next.inputs[1]).constant;
    if (!divisor || divisor->format() != Format::kF32 || divisor->count() != 1) return false;
    if (graph_.value(next.outputs[0]).type.shape != graph_.value(sum).type.shape) return false;
    node.attributes["divisor"] = divisor->values<float>()[0];
    return true;
  }

  void drop_unused_activations() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const Node& node = graph_.nodes()[i];
      if (node.op == "LeakyRelu" && readers(node.outputs[0]).count == 0) {
        gone_.push_back(static_cast<NodeId>(i));
      }
    }
  }

  Graph graph_;
  std::vector<Readers> readers_;  ///< by ValueId
  std::vector<NodeId> gone_;
  bool changed_ = false;
};

}  // namespace

Result<std::optional<Graph>> join_convolutions(const Graph& graph) {
  if (std::ranges::none_of(graph.nodes(), is_convolution)) return std::optional<Graph>();
  return Joiner(graph).run();
}

bool is_joined_convolution(const Node& node) { return node.op.starts_with("JoinedConv"); }

}  // namespace tenwatt::cpu
