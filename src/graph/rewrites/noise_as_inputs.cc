// Random numbers become inputs, so that the caller seeds them and every run can be repeated:
// RandomNormalLike(x; mean, scale) = noise_k * scale + mean with noise_k of x's shape. A node with
// a seed of its own repeats anyway, so it stays.
#include <numeric>

#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

ValueId add_noise(Graph& graph, const Type& type) {
  for (int64_t k = 0;; ++k) {
    const std::string name = "noise_" + std::to_string(k);
    if (!graph.find_value(name)) return graph.add_input(name, type);
  }
}

}  // namespace

Result<int64_t> noise_as_inputs(Graph& graph) {
  std::vector<ValueId> with(graph.values().size());
  std::iota(with.begin(), with.end(), 0);
  std::vector<NodeId> gone;
  const size_t count = graph.nodes().size();
  for (size_t i = 0; i < count; ++i) {
    const Node node = graph.nodes()[i];
    const ValueId output = node.outputs[0];
    if (node.op != "RandomNormalLike" || graph.value(output).type.format != Format::kF32) continue;
    if (node.attribute("seed") != nullptr) continue;
    const float mean = node.real("mean", 0.0f);
    const float scale = node.real("scale", 1.0f);
    const Type type = graph.value(output).type;
    const ValueId noise = add_noise(graph, type);
    gone.push_back(static_cast<NodeId>(i));
    if (mean == 0.0f && scale == 1.0f && !graph.is_output(output)) {
      with[static_cast<size_t>(output)] = noise;
      continue;
    }
    const ValueId factor = graph.add_constant(node.name + ".scale", Tensor::scalar(scale));
    const ValueId offset = graph.add_constant(node.name + ".mean", Tensor::scalar(mean));
    const ValueId scaled = graph.add_value(node.name + ".scaled", type);
    graph.add_node({"Mul", node.name + ".scaled", {noise, factor}, {scaled}, {}});
    graph.add_node({"Add", node.name, {scaled, offset}, {output}, {}});
  }
  graph.redirect(with);
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
