// Walks one ONNX graph: names first, so that nodes may stand in any order, then the nodes.
#include "exchange/onnx_scope.h"

#include <algorithm>
#include <set>
#include <utility>

#include "exchange/older_opsets.h"
#include "exchange/onnx_captures.h"
#include "exchange/onnx_constant.h"
#include "exchange/onnx_types.h"
#include "files/onnx.h"
#include "graph/ops/schema.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {
namespace {

using graph::Attribute;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;
using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::NodeProto;

/// A node without a name is called by its first result.
const std::string& name_of(const NodeProto& node) {
  return node.name().empty() && node.output_size() > 0 ? node.output(0) : node.name();
}

std::string title(const NodeProto& node) {
  return "node \"" + name_of(node) + "\" (" + node.op_type() + ")";
}

bool is_constant(const NodeProto& node) {
  return node.op_type() == "Constant" && is_standard_domain(node.domain());
}

// What attributes hold wherever they occur; one of another kind would be read as absent.
struct AttributeKind {
  std::string_view name;
  AttributeProto::AttributeType type;
};
constexpr AttributeKind kAttributeKinds[] = {
    {"allowzero", AttributeProto::INT},     {"alpha", AttributeProto::FLOAT},
    {"auto_pad", AttributeProto::STRING},   {"axes", AttributeProto::INTS},
    {"axis", AttributeProto::INT},          {"batch_dims", AttributeProto::INT},
    {"beta", AttributeProto::FLOAT},        {"block_size", AttributeProto::INT},
    {"ceil_mode", AttributeProto::INT},     {"dilations", AttributeProto::INTS},
    {"direction", AttributeProto::STRING},  {"end", AttributeProto::INT},
    {"epsilon", AttributeProto::FLOAT},     {"exclusive", AttributeProto::INT},
    {"group", AttributeProto::INT},         {"hidden_size", AttributeProto::INT},
    {"keepdims", AttributeProto::INT},      {"kernel_shape", AttributeProto::INTS},
    {"layout", AttributeProto::INT},        {"mean", AttributeProto::FLOAT},
    {"mode", AttributeProto::STRING},       {"noop_with_empty_axes", AttributeProto::INT},
    {"num_outputs", AttributeProto::INT},   {"output_padding", AttributeProto::INTS},
    {"output_shape", AttributeProto::INTS}, {"pads", AttributeProto::INTS},
    {"perm", AttributeProto::INTS},         {"reduction", AttributeProto::STRING},
    {"reverse", AttributeProto::INT},       {"scale", AttributeProto::FLOAT},
    {"seed", AttributeProto::FLOAT},        {"split", AttributeProto::INTS},
    {"strides", AttributeProto::INTS},      {"to", AttributeProto::INT},
    {"transA", AttributeProto::INT},        {"transB", AttributeProto::INT},
};

Status check_kind(const AttributeProto& attribute) {
  const auto* row = std::ranges::find(kAttributeKinds, attribute.name(), &AttributeKind::name);
  if (row == std::end(kAttributeKinds) || row->type == attribute.type()) return {};
  return fail(ErrorCode::kCorrupt, "it holds " +
                                       AttributeProto::AttributeType_Name(attribute.type()) +
                                       ", not " + AttributeProto::AttributeType_Name(row->type));
}

template <class Field>
auto list(const Field& field) {
  using Element = std::decay_t<decltype(*field.begin())>;
  return std::vector<Element>(field.begin(), field.end());
}

class Importer {
 public:
  Importer(GraphProto& proto, const OnnxScope& scope) : proto_(proto), scope_(scope) {}

  Result<Graph> run() {
    graph_.name = proto_.name();
    TENWATT_TRY(declare_constants());
    TENWATT_TRY(declare_inputs());
    TENWATT_TRY(declare_node_outputs());
    for (NodeProto& node : *proto_.mutable_node()) {
      Status imported = is_constant(node) ? Status() : import_node(node);
      if (!imported) return fail_in(title(node), std::move(imported).error());
    }
    for (const auto& output : proto_.output()) {
      graph_.outputs.push_back(TENWATT_TRY(find(output.name())));
    }
    TENWATT_TRY(graph_.normalise());
    return std::move(graph_);
  }

 private:
  Status name(const std::string& name, ValueId id) {
    if (names_.emplace(name, id).second) return {};
    return fail(ErrorCode::kCorrupt, "the value \"" + name + "\" is defined twice");
  }

  Result<ValueId> find(const std::string& name) const {
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    return fail(ErrorCode::kCorrupt, "the value \"" + name + "\" is read but never defined");
  }

  Status declare_constants() {
    if (proto_.sparse_initializer_size() > 0) {
      return fail(ErrorCode::kUnsupported, "the graph has sparse tensors");
    }
    for (auto& proto : *proto_.mutable_initializer()) {
      Tensor tensor = TENWATT_TRY(files::take_onnx_tensor(proto, scope_.folder));
      TENWATT_TRY(name(proto.name(), graph_.add_constant(proto.name(), std::move(tensor))));
    }
    for (NodeProto& node : *proto_.mutable_node()) {
      if (!is_constant(node)) continue;
      Result<Tensor> tensor = take_constant(node, scope_.folder);
      if (!tensor) return fail_in(title(node), std::move(tensor).error());
      const std::string& output = node.output(0);
      TENWATT_TRY(name(output, graph_.add_constant(output, std::move(*tensor))));
    }
    return {};
  }

  // An input that is also an initializer only had a default before IR 4: it is a constant.
  Status declare_inputs() {
    std::set<std::string_view> initialised;
    for (const auto& tensor : proto_.initializer()) initialised.insert(tensor.name());
    for (const auto& info : proto_.input()) {
      if (initialised.contains(info.name())) continue;
      graph::Type type = TENWATT_TRY(import_type(info, graph_));
      TENWATT_TRY(name(info.name(), graph_.add_input(info.name(), std::move(type))));
    }
    for (const std::string& outer : scope_.captures) {
      TENWATT_TRY(name(outer, graph_.add_input(outer, {})));
    }
    for (const auto& [outer, tensor] : scope_.constants) {
      TENWATT_TRY(name(outer, graph_.add_constant(outer, tensor)));
    }
    return {};
  }

  Status declare_node_outputs() {
    for (const NodeProto& node : proto_.node()) {
      if (is_constant(node)) continue;
      for (const std::string& output : node.output()) {
        if (!output.empty()) TENWATT_TRY(name(output, graph_.add_value(output)));
      }
    }
    return {};
  }

  Status import_node(NodeProto& proto) {
    TENWATT_TRY(check_operator(proto));
    Node node;
    node.op = proto.op_type();
    node.name = name_of(proto);
    node.inputs = TENWATT_TRY(ids(proto.input()));
    node.outputs = TENWATT_TRY(ids(proto.output()));
    TENWATT_TRY(import_attributes(proto, node));
    TENWATT_TRY(modernise(graph_, node, scope_.opset));
    graph_.add_node(std::move(node));
    return {};
  }

  // Operators of ours can have the name of an ONNX operator that means something else.
  Status check_operator(const NodeProto& proto) const {
    if (proto.op_type().empty()) return fail(ErrorCode::kCorrupt, "it names no operator");
    if (!is_standard_domain(proto.domain())) {
      return fail(ErrorCode::kUnsupported,
                  "the operator belongs to the domain \"" + proto.domain() + "\"",
                  "export the model with standard ONNX operators (domain ai.onnx) only");
    }
    const bool modern =
        graph::find_schema(proto.op_type()) != nullptr && !graph::is_own_operator(proto.op_type());
    if (modern || is_older_operator(proto.op_type())) return {};
    return fail(ErrorCode::kUnsupported,
                "the operator " + proto.op_type() + " of ai.onnx, opset " +
                    std::to_string(scope_.opset) + ", is not known here",
                "export the model without it, or with the simpler operators that it stands for");
  }

  // Trailing absent values say nothing, so they go.
  template <class Names>
  Result<std::vector<ValueId>> ids(const Names& names) const {
    std::vector<ValueId> all;
    for (const std::string& name : names) {
      all.push_back(name.empty() ? kNoValue : TENWATT_TRY(find(name)));
    }
    while (!all.empty() && all.back() == kNoValue) all.pop_back();
    return all;
  }

  Status import_attributes(NodeProto& proto, Node& node) {
    const OnnxScope inner = TENWATT_TRY(capture(proto, node));
    for (AttributeProto& attribute : *proto.mutable_attribute()) {
      Result<Attribute> value = import_attribute(attribute, inner);
      if (!value) return fail_in("attribute " + attribute.name(), std::move(value).error());
      if (!node.attributes.emplace(attribute.name(), std::move(*value)).second) {
        return fail(ErrorCode::kCorrupt, "the attribute " + attribute.name() + " occurs twice");
      }
    }
    return {};
  }

  // The scope of the graphs that a node holds. Outer values that are not constant join the node's
  // inputs, so that data flow is complete without looking inside.
  Result<OnnxScope> capture(const NodeProto& proto, Node& node) const {
    OnnxScope inner{scope_.opset, scope_.folder, {}, {}};
    const bool holds_graph = std::ranges::any_of(
        proto.attribute(), [](const AttributeProto& attribute) { return attribute.has_g(); });
    if (!holds_graph) return inner;
    for (const std::string& name : captured_names(proto)) {
      const ValueId id = TENWATT_TRY(find(name));
      if (const auto& constant = graph_.value(id).constant) {
        inner.constants.emplace(name, *constant);
      } else {
        inner.captures.push_back(name);
        node.inputs.push_back(id);
      }
    }
    node.attributes.emplace("captures", inner.captures);
    return inner;
  }

  Result<Attribute> import_attribute(AttributeProto& proto, const OnnxScope& inner) {
    if (!proto.ref_attr_name().empty()) {
      return fail(ErrorCode::kUnsupported, "a reference to an attribute of a function");
    }
    TENWATT_TRY(check_kind(proto));
    switch (proto.type()) {
      case AttributeProto::FLOAT:
        return proto.f();
      case AttributeProto::INT:
        return proto.i();
      case AttributeProto::STRING:
        return proto.s();
      case AttributeProto::FLOATS:
        return list(proto.floats());
      case AttributeProto::INTS:
        return list(proto.ints());
      case AttributeProto::STRINGS:
        return list(proto.strings());
      case AttributeProto::TENSOR:
        return TENWATT_TRY(files::take_onnx_tensor(*proto.mutable_t(), scope_.folder));
      case AttributeProto::GRAPH:
        return std::make_shared<const Graph>(TENWATT_TRY(import_graph(*proto.mutable_g(), inner)));
      default:
        return fail(ErrorCode::kUnsupported, "a kind of attribute that isn't read");
    }
  }

  GraphProto& proto_;
  const OnnxScope& scope_;
  Graph graph_;
  std::map<std::string, ValueId, std::less<>> names_;
};

}  // namespace

bool is_standard_domain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

Result<Graph> import_graph(GraphProto& proto, const OnnxScope& scope) {
  return Importer(proto, scope).run();
}

}  // namespace tenwatt::exchange
