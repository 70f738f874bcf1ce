// One ONNX graph, the model's own or one that a node holds, to one of our graphs.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace onnx {
class GraphProto;
}

namespace tenwatt::exchange {

/// What a graph inherits from its model and from the graph around it.
struct OnnxScope {
  int64_t opset = 0;
  std::string folder;                 ///< where external data may lie; empty: nowhere
  std::vector<std::string> captures;  ///< become inputs after the graph's own
  std::map<std::string, Tensor, std::less<>> constants;  ///< outer constants that it reads
};

/// Domains that mean the standard operators.
bool is_standard_domain(std::string_view domain);

/// Moves the tensors out of `proto`.
Result<graph::Graph> import_graph(onnx::GraphProto& proto, const OnnxScope& scope);

}  // namespace tenwatt::exchange
