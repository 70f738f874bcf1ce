// Any ONNX graph: open, run, look at where it runs.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tenwatt/array.h"
#include "tenwatt/runtime.h"

namespace tenwatt {

/// How a graph is opened.
struct NetworkOptions {
  /// "name=1,80,3000": fixes an input's shape.
  std::vector<std::string> shapes = {};
};

/// How a graph is run.
struct NetworkRun {
  std::vector<std::string> taps = {};  ///< values to hand out besides the outputs
  const CancelFlag* cancel = nullptr;  ///< ends the call with kCancelled
};

/// Shared and thread-safe.
///
/// A graph is planned once where that is possible. Where its plan depends on numbers that only a
/// run has (the condition of an If, axes that are an input), it is planned by the first run for
/// these numbers, and the plan is kept for the next run with the same. Random nodes draw the same
/// numbers in every run; who wants others gives them as the inputs noise_0, noise_1, ... (normal,
/// with the shape of the node's result).
class Network {
 public:
  /// An input or output.
  struct Port {
    std::string name;
    std::string type;   ///< as Array::type
    std::string shape;  ///< "[1, 80, frames]"; "[?]" where only a run decides it
  };

  /// Catalogue name or path of an ONNX file. kModelMissing, kCorrupt, kUnsupported, or
  /// kInvalidArgument for a shape that doesn't fit.
  static Result<std::shared_ptr<Network>> open(std::shared_ptr<Runtime> runtime,
                                               const std::string& name_or_path,
                                               const NetworkOptions& options = {});
  ~Network();

  /// In the graph's order.
  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  /// "16000", "1,2,3" or "true" as a tensor of the type that the input has: a scalar, or a vector
  /// where the input has one axis. kInvalidArgument for an input that isn't there or has more axes,
  /// and for text that is no number of its type; kUnsupported for types that text does not give.
  Result<Array> literal(const std::string& input, const std::string& text) const;
  /// Outputs and tapped values by name. A missing input is an error that names its type and shape.
  Result<std::map<std::string, Array>> run(const std::map<std::string, Array>& inputs,
                                           const NetworkRun& options = {}) const;
  /// Where its nodes run. Where the plan depends on what a run is given, the plan for these inputs
  /// (all of the graph's; what decides it is computed), and kUnsupported without them.
  Result<Placement> placement(const std::map<std::string, Array>& inputs = {}) const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
