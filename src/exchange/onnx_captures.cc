#include "exchange/onnx_captures.h"

#include <set>
#include <string_view>

#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {
namespace {

// Names in order of their first appearance.
class NameList {
 public:
  void add(const std::string& name) {
    if (!name.empty() && seen_.insert(name).second) names_.push_back(name);
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::set<std::string> seen_;
  std::vector<std::string> names_;
};

std::vector<std::string> free_names(const onnx::GraphProto& graph) {
  std::set<std::string_view> own;
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const auto& input : graph.input()) own.insert(input.name());
  for (const auto& node : graph.node()) own.insert(node.output().begin(), node.output().end());
  NameList free;
  const auto read = [&](const std::string& name) {
    if (!own.contains(name)) free.add(name);
  };
  for (const auto& node : graph.node()) {
    for (const std::string& name : node.input()) read(name);
    for (const std::string& name : captured_names(node)) read(name);
  }
  for (const auto& output : graph.output()) read(output.name());
  return free.take();
}

}  // namespace

std::vector<std::string> captured_names(const onnx::NodeProto& node) {
  NameList all;
  for (const auto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    for (const std::string& name : free_names(attribute.g())) all.add(name);
  }
  return all.take();
}

}  // namespace tenwatt::exchange
