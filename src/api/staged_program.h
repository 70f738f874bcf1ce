// A graph that can only be planned with numbers that a run brings.
//
// Where planning needs such a number (the axes of a reduction, the condition of an If), that value
// is computed first, by a program of its own, and what follows is planned for what it turned out to
// be. So the programs of a graph form a tree: inner stages decide a value or the inputs' shapes,
// leaves compute the outputs. Most graphs are one leaf. Plans are kept for the next run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "engine/program.h"

namespace tenwatt {

class StagedProgram {
 public:
  using Inputs = std::map<std::string, Tensor, std::less<>>;
  /// Makes a program of a graph that can be planned.
  using Prepare = std::function<Result<std::shared_ptr<engine::Program>>(graph::Graph graph)>;

  /// Plans as far as nothing but the graph decides.
  static Result<std::unique_ptr<StagedProgram>> create(graph::Graph graph, Prepare prepare);
  ~StagedProgram();

  /// The program that computes the outputs of the graph from these inputs (all of the graph's).
  /// Runs what decides on the way. Thread-safe.
  Result<std::shared_ptr<engine::Program>> program_for(const Inputs& inputs,
                                                       const std::atomic<bool>* cancel) const;
  /// The program, if nothing had to be decided; else null.
  std::shared_ptr<engine::Program> only_program() const;
  /// "the value cond (bool [])": what the first stage waits for.
  std::string first_decision() const;

 private:
  struct Stage;
  StagedProgram(Prepare prepare, std::shared_ptr<Stage> first);
  Prepare prepare_;
  std::shared_ptr<Stage> first_;
};

/// Runs `program` with those of `inputs` that it takes.
Result<std::vector<Tensor>> run_with(const engine::Program& program,
                                     const StagedProgram::Inputs& inputs,
                                     const engine::RunOptions& options);

}  // namespace tenwatt
