// Writes graphs in the words of the papers: one call per operator, each adds a node, its value and
// its type. Model families use it; it knows nothing of files or devices.
//
// The first failure is kept and everything after it does nothing, so that a model reads as data
// flow; finish() reports it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::graph {

struct RotaryOptions {
  float base = 10000.0f;
  int64_t rotary_dim = 0;  ///< 0: the whole head
  /// Pairs (2i, 2i+1), or (i, i + rotary_dim/2).
  enum class Pairs : uint8_t { kInterleaved, kHalves } pairs = Pairs::kHalves;
  float scale = 1.0f;          ///< of the positions
  ValueId factors = kNoValue;  ///< [rotary_dim/2], divides the frequencies
};

struct AttentionOptions {
  float scale = 1.0f;
  std::string k_state;  ///< append states that the rows of k and v join
  std::string v_state;
  int64_t window = 0;    ///< how many rows back a query sees; 0: all
  float softcap = 0.0f;  ///< 0: none
};

struct ConvOptions {
  int64_t stride = 1;
  int64_t padding = 0;  ///< on both sides
  int64_t dilation = 1;
  int64_t groups = 1;
};

/// How far a device may round the operands of a product.
enum class Operands : uint8_t {
  kAsGiven,  ///< as the run's precision says
  kInt8,     ///< both to int8 with a scale per 32 elements
};

class Builder {
 public:
  using Attributes = std::map<std::string, Attribute, std::less<>>;

  explicit Builder(Graph& graph) : graph_(graph) {}

  Graph& graph() { return graph_; }
  /// The first failure, or success; puts the nodes in order.
  Status finish();
  bool failed() const { return !status_; }

  // Values.
  ValueId constant(std::string name, Tensor tensor);
  ValueId input(std::string name, Format format, Dims shape);
  /// An i64 vector whose elements are expressions (a constant if they all are numbers).
  ValueId dims(std::string name, const Dims& dims);
  void output(ValueId value);

  /// Any operator with one output, named like the node.
  ValueId node(std::string_view op, std::string name, std::vector<ValueId> inputs,
               Attributes attributes = {});
  /// Any operator with several outputs ("name", "name_1", ...); kNoValue each after a failure.
  std::vector<ValueId> node(std::string_view op, std::string name, std::vector<ValueId> inputs,
                            Attributes attributes, size_t outputs);

  // Linear maps. A bias or a weight that is absent is kNoValue.
  ValueId linear(std::string name, ValueId x, ValueId weight, ValueId bias = kNoValue,
                 Operands operands = Operands::kAsGiven);
  ValueId embedding(std::string name, ValueId ids, ValueId table);
  /// x [batch, channels, n], weight [out, channels/groups, k] -> [batch, out, m].
  ValueId conv1d(std::string name, ValueId x, ValueId weight, ValueId bias,
                 const ConvOptions& options = {});
  ValueId gated_feed_forward(std::string name, ValueId x, ValueId gate, ValueId up, ValueId down,
                             std::string_view activation = "silu");

  // Normalisation over the last axis.
  ValueId rms_norm(std::string name, ValueId x, ValueId weight, float epsilon);
  ValueId layer_norm(std::string name, ValueId x, ValueId weight, ValueId bias, float epsilon);
  ValueId softmax(std::string name, ValueId x);

  // Attention over [tokens, heads, head_dim].
  ValueId rotary(std::string name, ValueId x, ValueId positions, const RotaryOptions& options);
  ValueId attention(std::string name, ValueId q, ValueId k, ValueId v,
                    const AttentionOptions& options);
  ValueId cross_attention(std::string name, ValueId q, ValueId k, ValueId v, float scale);

  // Element by element, with broadcasting.
  ValueId add(std::string name, ValueId a, ValueId b);
  ValueId sub(std::string name, ValueId a, ValueId b);
  ValueId mul(std::string name, ValueId a, ValueId b);
  /// The exact form by erf, or the tanh approximation (ONNX opset 20: "none", "tanh").
  ValueId gelu(std::string name, ValueId x, std::string_view approximate = "none");
  ValueId silu(std::string name, ValueId x);

  // Layout.
  ValueId reshape(std::string name, ValueId x, const Dims& shape);
  ValueId transpose(std::string name, ValueId x, std::vector<int64_t> permutation);
  /// Rows of x (axis 0) by index.
  ValueId gather_rows(std::string name, ValueId x, ValueId rows);
  ValueId concat(std::string name, std::vector<ValueId> parts, int64_t axis);
  ValueId slice(std::string name, ValueId x, int64_t axis, const Dim& start, const Dim& end);

 private:
  Graph& graph_;
  Status status_;
};

}  // namespace tenwatt::graph
