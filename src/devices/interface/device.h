// What an accelerator is to the engine: it describes itself, claims nodes with reasons, owns
// memory, turns a partition into an artifact and an artifact into something that runs.
//
// Both routes use this one interface: a bring-your-own-code device packs weights in `build` and
// runs its own kernels; a compiler device writes a vendor's blob in `build` and runs that.
// A new accelerator is one folder under devices/; simnpu is the one to copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/team.h"
#include "graph/ir/graph.h"

namespace tenwatt::devices {

/// What a device says about itself.
struct DeviceInfo {
  std::string name;           ///< "cpu", "simnpu"
  std::string description;    ///< "AMD EPYC, 2 cores, avx512vnni"
  bool host_memory = false;   ///< its buffers are plain host memory (no copies needed)
  bool fixed_shapes = false;  ///< executables take one shape only; dynamic axes need windows
  bool emulator = false;      ///< computes on the CPU in the place of hardware: report no speed
  size_t memory_bytes = 0;    ///< budget for buffers and artifacts; 0: the host's memory
};

/// Whose code runs a node.
enum class KernelKind : uint8_t {
  kOwn,        ///< a kernel of the device
  kMovement,   ///< moves, renames or indexes elements and computes none
  kReference,  ///< computed by the reference kernel
};

/// A device's answer for one node.
struct Yes {
  double seconds = 0;  ///< estimate for the claimed bounds
  std::string kernel;  ///< what will run it ("panel_dot q4_1")
  KernelKind kind = KernelKind::kOwn;
};
struct No {
  std::string reason;  ///< what about this node is not possible here
  std::string remedy;  ///< what would make it a Yes
};
using Claim = std::variant<Yes, No>;

/// Memory on a device. Thread-safe for disjoint ranges.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual size_t size() const = 0;
  /// Host address if the device computes in host memory, else null.
  virtual std::byte* host() = 0;
  virtual Status write(size_t offset, std::span<const std::byte> from) = 0;
  virtual Status read(size_t offset, std::span<std::byte> to) const = 0;
};

/// Packed tensors or compiled blobs: named pieces in 64-byte aligned memory (huge pages). Written
/// by Device::build, kept on disk by the engine, read by Device::load.
class Artifact {
 public:
  virtual ~Artifact() = default;
  virtual std::optional<std::span<const std::byte>> piece(std::string_view name) const = 0;
};
class ArtifactWriter {
 public:
  virtual ~ArtifactWriter() = default;
  /// Memory for a new piece, to be filled before `build` returns.
  virtual Result<std::span<std::byte>> add(std::string_view name, size_t bytes) = 0;
  /// The source bytes of a constant are packed now and will not be read again.
  virtual void consumed(const Tensor& source) = 0;
};

/// The precision contract of a plan (docs: architecture, "Two precisions").
enum class Precision : uint8_t { kFast, kExact };

/// The part of a graph that goes to one device. It is a graph of its own: its inputs and outputs
/// are the values that cross the border.
struct Partition {
  graph::Graph graph;
  Precision precision = Precision::kFast;
  std::string key;  ///< names the artifact: source digest, part, precision
};

/// One state of one slice, as the device's kernels see it.
struct StateView {
  /// kAppend: pages of kPageRows rows in the device's own layout, committed rows first.
  std::span<std::byte* const> pages;
  size_t offset = 0;      ///< where this state's part of a page starts
  int64_t committed = 0;  ///< rows (kAppend), or 0
  /// kRing, kValue, kFixed: the content that this run reads.
  const std::byte* content = nullptr;
};
inline constexpr int64_t kPageRows = 64;

/// The rows of one sequence in a run: rows [first_row, first_row + rows) of the tokens axis, at
/// positions [position, position + rows).
struct SliceView {
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;
  std::span<const StateView> states;  ///< by index of Graph::states of the partition
};

/// A value at the border of a partition.
struct Argument {
  Buffer* buffer = nullptr;
  size_t offset = 0;
};

/// What a run carries besides its arguments.
struct RunContext {
  Team* team = nullptr;
  const std::atomic<bool>* cancel = nullptr;  ///< null: can't be cancelled
  std::span<const SliceView> slices;          ///< empty for graphs without a tokens axis
  /// Called after the value has been computed, with its concrete shape; only for tapped values.
  std::function<void(graph::ValueId, const Shape&, std::span<const std::byte>)> tap;
  std::span<const graph::ValueId> tapped;  ///< ids in the partition's graph
};

/// A partition that is ready to run. Thread-safe: several runs may be under way at once.
class Executable {
 public:
  virtual ~Executable() = default;
  /// Inputs and outputs in the order of the partition graph's lists, shapes by `bindings` (which
  /// binds every symbol that the partition's types mention). Returns kCancelled when it stopped
  /// early; the outputs are then undefined. Extents that the partition itself decides (symbols of
  /// kind kExtent) are written into `bindings`.
  virtual Status run(graph::Bindings& bindings, std::span<const Argument> inputs,
                     std::span<const Argument> outputs, const RunContext& context) = 0;
  /// Bytes that stay resident for this executable (weights, arenas).
  virtual size_t resident_bytes() const = 0;
};

/// The device's layout of append states. One page holds kPageRows rows of one state.
class StateLayout {
 public:
  virtual ~StateLayout() = default;
  virtual size_t page_bytes(const graph::State& state) const = 0;
  /// Rows [0, rows) of a page to and from the canonical form: row-major f32 [rows, row...].
  virtual Status to_canonical(const graph::State& state, const std::byte* page, int64_t rows,
                              std::span<float> out) const = 0;
  virtual Status from_canonical(const graph::State& state, std::span<const float> in, int64_t rows,
                                std::byte* page) const = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  /// One answer per node of the graph; shapes are the bounded symbols of the graph.
  virtual std::vector<Claim> claim(const graph::Graph& graph, Precision precision) const = 0;
  virtual Result<std::unique_ptr<Buffer>> allocate(size_t bytes) = 0;
  /// Host memory as a buffer without a copy, where the device can (host_memory); else an error.
  virtual Result<std::unique_ptr<Buffer>> import(std::span<std::byte> host) = 0;
  virtual Status build(const Partition& partition, ArtifactWriter& writer, Team& team) = 0;
  virtual Result<std::unique_ptr<Executable>> load(const Partition& partition,
                                                   std::shared_ptr<const Artifact> artifact) = 0;
  /// Layout of append states that live on this device, or null if it can't hold them.
  virtual const StateLayout* state_layout() const { return nullptr; }
  /// Names the layout of what `build` writes: instruction level, versions. Part of artifact keys.
  virtual std::string build_signature() const = 0;
};

}  // namespace tenwatt::devices
