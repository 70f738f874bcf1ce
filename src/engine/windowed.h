// A program run in windows: one plan of fixed size for long inputs, so that results can leave as
// windows finish. See plan/window.h for why the joined result equals a whole run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/plan/window.h"
#include "engine/program.h"

namespace tenwatt::engine {

/// Windows that grow, for plans whose devices all take dynamic shapes.
struct GrowingWindows {
  int64_t first_kept = 0;  ///< rows that the first window delivers; 0: windows don't grow
  int64_t growth = 2;      ///< how many times larger each window is than the one before it
  int64_t largest = 0;     ///< rows of a window
};

struct WindowedOptions {
  std::string symbol;  ///< the axis to cut
  int64_t size = 0;    ///< rows of a window
  /// Smaller windows for inputs shorter than `size`, ascending. An input shorter than all of them
  /// runs whole where every device of the plan takes dynamic shapes, and on `fallback` otherwise.
  std::vector<int64_t> buckets = {};
  /// Instead of `size`, where shapes may be dynamic.
  GrowingWindows growing = {};
  /// The plan for inputs that fit no window; usually the CPU alone.
  PlanOptions fallback = {};
};

class WindowedProgram {
 public:
  static Result<std::shared_ptr<WindowedProgram>> prepare(graph::Graph graph,
                                                          ProgramOptions program,
                                                          WindowedOptions options);

  using Inputs = std::map<std::string, Tensor, std::less<>>;

  /// How an input of a certain length is cut, and the program that runs its pieces.
  struct Schedule {
    std::shared_ptr<const Program> program;
    std::vector<WindowStep> steps;
  };
  /// The schedule for `rows` rows of the symbol; one step where the input runs whole.
  Result<Schedule> schedule(int64_t rows) const;

  /// One step: the kept rows of every output. Inputs that have the axis must be filled up to the
  /// step's end; their later rows are not read.
  Result<std::vector<Tensor>> run_step(const Schedule& schedule, size_t step, const Inputs& inputs,
                                       const RunOptions& options = {}) const;

  /// Without windows, in one run over the whole length.
  Result<std::vector<Tensor>> run_whole(const Inputs& inputs, const RunOptions& options = {}) const;

  /// All steps joined: the same bits as a whole run.
  Result<std::vector<Tensor>> run(const Inputs& inputs, const RunOptions& options = {}) const;

  const SlidingWindow& window() const { return window_; }
  /// The program for windows of `size`, for reports.
  const Program& program() const { return *windowed_; }

 private:
  WindowedProgram() = default;
  /// The program whose windows have `size` rows.
  Result<std::shared_ptr<Program>> program_for(int64_t size) const;
  Result<std::shared_ptr<Program>> whole_program() const;

  graph::Graph graph_;
  ProgramOptions program_options_;
  WindowedOptions options_;
  SlidingWindow window_;
  std::shared_ptr<Program> windowed_;
  std::shared_ptr<Program> whole_;
  mutable std::mutex mutex_;
  mutable std::map<int64_t, std::shared_ptr<Program>> buckets_;
};

}  // namespace tenwatt::engine
