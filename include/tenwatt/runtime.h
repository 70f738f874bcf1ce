// The runtime: the threads, devices and folders that everything else of the public API shares.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt {

/// How a program is put on this machine. The fields are the command line's common flags.
struct RuntimeOptions {
  /// "auto", or names in order of preference: "simnpu,cpu". The CPU picks up the rest.
  std::string device = "auto";
  /// Devices of a part: "vocoder=simnpu,cpu" (text-encoder, flow, vocoder, encoder, decoder,
  /// prefill, decode). Several, each as one string.
  std::vector<std::string> place;
  std::string precision = "fast";  ///< "fast" or "exact"
  std::string level;               ///< instruction level; empty: the best one
  bool strict = false;             ///< refuse instead of falling back to another device
  int threads = 0;                 ///< 0: all cores
  bool keep_artifacts = true;      ///< keep packed weights in the cache folder
};

struct DeviceReport {
  std::string name;
  std::string description;
  bool emulator = false;
  bool fixed_shapes = false;
  size_t memory_bytes = 0;  ///< 0: the host's
};

/// One node of a plan, and why it is where it is.
struct PlacedNode {
  std::string name;
  std::string op;
  std::string device;  ///< empty: shape arithmetic, free at run time
  std::string kernel;
  int partition = -1;
  std::vector<std::string> refusals;  ///< "simnpu: reason (remedy)"
};

struct PlacedPartition {
  std::string device;
  int segment = 0;
  int64_t nodes = 0;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  bool copies = false;  ///< values are copied to and from the device's own memory
  size_t resident_bytes = 0;
};

/// Where one graph of a model runs. A model has one or more of them.
struct Placement {
  std::string graph;
  std::string precision;
  int segments = 0;
  std::vector<PlacedPartition> partitions;
  std::vector<PlacedNode> nodes;
  size_t resident_bytes = 0;
  size_t state_bytes_per_row = 0;
};

/// Shared and thread-safe.
class Runtime {
 public:
  /// kInvalidArgument for unknown devices, precisions or levels, naming what there is.
  static Result<std::shared_ptr<Runtime>> create(const RuntimeOptions& options = {});
  ~Runtime();

  std::vector<DeviceReport> devices() const;
  const RuntimeOptions& options() const;
  int threads() const;
  /// "avx512".
  std::string level() const;

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A flag that a signal handler or another thread sets to stop a running call.
using CancelFlag = std::atomic<bool>;

/// Where every part of a model would run: a language model, a recogniser, a voice or an ONNX graph,
/// by catalogue name or path.
Result<std::vector<Placement>> explain(const std::shared_ptr<Runtime>& runtime,
                                       const std::string& name_or_path);

}  // namespace tenwatt
