// The runtime: the threads, devices and folders that everything else of the public API shares.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tenwatt/result.h"

namespace tenwatt {

/// A flag that a signal handler or another thread sets to stop a running call, which then fails
/// with kCancelled or gives what it has, as the call says.
using CancelFlag = std::atomic<bool>;

/// How a program is put on this machine. The fields are the command line's common flags.
struct RuntimeOptions {
  /// "auto", or names in order of preference: "simnpu,cpu". The CPU picks up the rest.
  std::string device = "auto";
  /// Devices of a part: "vocoder=simnpu,cpu" (text-encoder, flow, vocoder, encoder, decoder,
  /// decode). Several, each as one string.
  std::vector<std::string> place = {};
  /// "fast": narrower numbers where a quality gate has passed; "exact": f32 activations, for
  /// comparisons.
  std::string precision = "fast";
  /// Instruction level of the CPU's kernels, one of instruction_levels(); empty: the fastest.
  std::string level = {};
  bool strict = false;  ///< refuse instead of falling back to another device
  int threads = 0;      ///< 1 to 256, the caller's included; 0: all cores
  /// Keep packed weights in the cache folder, so that the next start reads instead of making them.
  bool keep_artifacts = true;
};

/// A device that a runtime knows.
struct DeviceReport {
  std::string name;         ///< as RuntimeOptions::device names it
  std::string description;  ///< one line for people
  bool emulator = false;    ///< computed by the CPU in the device's place
  bool fixed_shapes = false;
  size_t memory_bytes = 0;  ///< 0: the host's
};

/// One node of a plan, and why it is where it is.
struct PlacedNode {
  std::string name;
  std::string op;
  std::string device;  ///< empty: shape arithmetic, free at run time
  std::string kernel;
  /// Whose code: "own" (a kernel of the device), "movement" (moves or renames elements, by code
  /// that the device's instruction levels share), "reference" (the reference kernel computes it),
  /// "none" (shape arithmetic).
  std::string kind;
  int partition = -1;
  std::vector<std::string> refusals;  ///< "simnpu: reason (remedy)"
};

/// A part of a graph that one device runs in one go.
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
  size_t resident_bytes = 0;       ///< of weights
  size_t state_bytes_per_row = 0;  ///< of a sequence, per token
};

/// Threads and devices. One per process is enough; two have threads of their own and compete for
/// the same cores. Shared and thread-safe.
class Runtime {
 public:
  /// kInvalidArgument for unknown devices, parts, precisions or levels, naming what there is, and
  /// for a number of threads out of range.
  static Result<std::shared_ptr<Runtime>> create(const RuntimeOptions& options = {});
  ~Runtime();

  /// Every device that this build has, the CPU first.
  std::vector<DeviceReport> devices() const;
  /// As they were given.
  const RuntimeOptions& options() const;
  /// Threads that a call computes with.
  int threads() const;
  /// The instruction level in use: "avx512".
  std::string level() const;

  struct Impl;                     ///< the library's own
  Impl& impl() { return *impl_; }  ///< the library's own

 private:
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The instruction levels that this machine can run, slowest first.
std::vector<std::string> instruction_levels();

/// Where every part of a model would run: a language model, a recogniser, a voice or an ONNX graph,
/// by catalogue name or path. Loads it. kModelMissing, kCorrupt or kUnsupported.
Result<std::vector<Placement>> explain(const std::shared_ptr<Runtime>& runtime,
                                       const std::string& name_or_path);

}  // namespace tenwatt
