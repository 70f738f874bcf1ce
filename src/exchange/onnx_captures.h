// Which names a nested ONNX graph takes from the graph around it.
#pragma once

#include <string>
#include <vector>

namespace onnx {
class GraphProto;
class NodeProto;
}  // namespace onnx

namespace tenwatt::exchange {

/// Names that the graphs held by `node` read but don't define, each once, in order of appearance.
std::vector<std::string> captured_names(const onnx::NodeProto& node);

}  // namespace tenwatt::exchange
