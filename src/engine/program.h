// A program: a graph prepared for this machine. It holds weights, plan and artifacts, is shared
// between sessions and thread-safe.
//
// `run` takes a batch of slices. One conversation is a batch of one slice, so batching is not a
// mode; graphs without a tokens axis run with an empty slice list.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/team.h"
#include "engine/plan/plan.h"
#include "engine/run/frame_pool.h"
#include "engine/run/pages.h"
#include "engine/session.h"
#include "graph/ir/graph.h"
#include "numbers/tensor.h"

namespace tenwatt::engine {

struct ProgramOptions {
  PlanOptions plan;
  std::shared_ptr<Team> team;
  /// Names the weights' source ("sha256:..."), so that packed weights can be kept and found again.
  /// Empty: nothing is kept.
  std::string source;
  /// Folder for artifacts. Empty: nothing is kept.
  std::string artifact_folder;
};

/// The rows of one sequence in a batch.
struct Slice {
  Session* session = nullptr;
  int64_t rows = 0;
  /// Rows of this slice whose outputs are wanted, ascending, each in [0, rows).
  std::vector<int64_t> wanted;
};

struct Batch {
  std::vector<Slice> slices;
  /// By input name; sequence inputs hold the slices' rows one after the other. The inputs
  /// `positions` (i32 [tokens]) and `wanted_rows` (i32 [wanted]) are filled in where absent.
  std::map<std::string, Tensor, std::less<>> inputs;
};

struct RunOptions {
  const std::atomic<bool>* cancel = nullptr;
  /// Values to look at, by name; called on one thread, in order of execution, while the run holds
  /// its team: what is called must not run a program.
  std::vector<std::string> taps = {};
  std::function<void(const std::string& name, const Tensor& content)> tap = {};
};

class Program : public std::enable_shared_from_this<Program> {
 public:
  /// Optimises and plans the graph, builds what no artifact has, loads it.
  static Result<std::shared_ptr<Program>> prepare(graph::Graph graph, ProgramOptions options);
  ~Program();

  /// A fresh sequence.
  std::unique_ptr<Session> open_session() const;

  /// Runs the batch and commits its sessions. Outputs in the order of the graph's. On any failure
  /// the sessions are as before.
  Result<std::vector<Tensor>> run(const Batch& batch, const RunOptions& options = {}) const;

  const Plan& plan() const { return plan_; }
  const graph::Graph& graph() const { return plan_.graph; }
  Team& team() const { return *options_.team; }
  /// What names the weights' source (ProgramOptions); empty if nothing does.
  const std::string& source() const { return options_.source; }
  /// How the weights came into memory.
  enum class Source : uint8_t { kBuilt, kArtifact, kMixed };
  Source weights_from() const { return weights_from_; }
  /// What was odd about stale or damaged artifacts, for the user.
  const std::vector<std::string>& notices() const { return notices_; }
  /// Bytes of weights and arenas now resident.
  size_t resident_bytes() const;
  size_t resident_bytes(size_t partition) const {
    return executables_[partition]->resident_bytes();
  }
  /// Bytes that one row of the tokens axis adds to a session.
  size_t state_bytes_per_row() const {
    return pages_.page_bytes / static_cast<size_t>(devices::kPageRows);
  }

 private:
  friend class Session;
  class Run;
  Program() = default;

  Status check_states();
  void number_slots();
  Status load_partition(const PlannedPartition& planned);
  /// Notes where the newest executable's weights came from.
  void add_source(Source source);

  Plan plan_;
  ProgramOptions options_;
  std::vector<std::unique_ptr<devices::Executable>> executables_;  // by partition
  std::vector<int> slots_;  // by ValueId: index among the values that cross partitions, or -1
  size_t slot_count_ = 0;
  PagePlan pages_;
  std::shared_ptr<PagePool> page_pool_;
  std::shared_ptr<FramePool> frames_;
  Source weights_from_ = Source::kBuilt;
  std::vector<std::string> notices_;
};

}  // namespace tenwatt::engine
