// Any ONNX graph: open, run, look at where it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tenwatt/array.h"
#include "tenwatt/runtime.h"

namespace tenwatt {

struct NetworkOptions {
  /// "name=1,80,3000": fixes an input's shape.
  std::vector<std::string> shapes = {};
};

struct NetworkRun {
  std::vector<std::string> taps = {};  ///< values to hand out besides the outputs
  const CancelFlag* cancel = nullptr;
};

/// Shared and thread-safe.
class Network {
 public:
  struct Port {
    std::string name;
    std::string type;
    std::string shape;  ///< "[1, 80, frames]"
  };

  static Result<std::shared_ptr<Network>> open(std::shared_ptr<Runtime> runtime,
                                               const std::string& name_or_path,
                                               const NetworkOptions& options = {});
  ~Network();

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  /// Outputs and tapped values by name. A missing input is an error that names its type and shape.
  Result<std::map<std::string, Array>> run(const std::map<std::string, Array>& inputs,
                                           const NetworkRun& options = {}) const;
  Placement placement() const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
