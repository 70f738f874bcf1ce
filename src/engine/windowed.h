// A program run in windows: one plan of fixed size for long inputs, results handed on as windows
// finish. See plan/window.h for why the joined result equals a whole run.
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

struct WindowedOptions {
  std::string symbol;  ///< the axis to cut
  int64_t size = 0;    ///< rows of a window
  /// Smaller windows for inputs shorter than `size`, ascending. An input shorter than all of them
  /// runs whole where every device of the plan takes dynamic shapes, and on `fallback` otherwise.
  std::vector<int64_t> buckets;
  /// The plan for inputs that fit no window; usually the CPU alone.
  PlanOptions fallback;
};

class WindowedProgram {
 public:
  static Result<std::shared_ptr<WindowedProgram>> prepare(graph::Graph graph,
                                                          ProgramOptions program,
                                                          WindowedOptions options);

  /// Final rows [begin, end) of the symbol times the rate, of every output in order.
  using Sink = std::function<Status(std::vector<Tensor> rows)>;

  /// Runs `inputs` window by window. The sink gets consecutive pieces of each output along its
  /// axis, from the first row to the last.
  Status run(const std::map<std::string, Tensor, std::less<>>& inputs, const Sink& sink,
             const RunOptions& options = {}) const;
  /// As one run over the whole length, without windows.
  Result<std::vector<Tensor>> run_whole(const std::map<std::string, Tensor, std::less<>>& inputs,
                                        const RunOptions& options = {}) const;

  const SlidingWindow& window() const { return window_; }
  /// The program for windows of `size`, for reports.
  const Program& program() const { return *windowed_; }

 private:
  WindowedProgram() = default;
  /// The program whose windows have `size` rows.
  Result<std::shared_ptr<Program>> program_for(int64_t size) const;
  Result<std::vector<Tensor>> run_step(const WindowStep& step,
                                       const std::map<std::string, Tensor, std::less<>>& inputs,
                                       const Program& program, const RunOptions& options) const;

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
