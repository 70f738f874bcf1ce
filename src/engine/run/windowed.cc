#include "engine/windowed.h"

#include <algorithm>
#include <cstring>

#include "graph/ir/bind.h"
#include "graph/ops/infer.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::engine {

using graph::Dim;
using graph::Graph;

namespace {

/// Rows [begin, end) of `axis`, copied.
Result<Tensor> cut(const Tensor& tensor, int64_t axis, int64_t begin, int64_t end) {
  Shape shape = tensor.shape();
  const int64_t extent = shape[static_cast<size_t>(axis)];
  int64_t outer = 1;
  for (int64_t i = 0; i < axis; ++i) outer *= shape[static_cast<size_t>(i)];
  shape[static_cast<size_t>(axis)] = end - begin;
  Tensor piece = TENWATT_TRY(Tensor::create(tensor.format(), std::move(shape)));
  if (outer == 0 || extent == 0 || end == begin) return piece;
  const size_t row = tensor.bytes().size() / static_cast<size_t>(outer * extent);
  const size_t bytes = row * static_cast<size_t>(end - begin);
  for (int64_t i = 0; i < outer; ++i) {
    std::memcpy(piece.mutable_bytes().data() + static_cast<size_t>(i) * bytes,
                tensor.bytes().data() + row * static_cast<size_t>(i * extent + begin), bytes);
  }
  return piece;
}

/// Writes `piece` over the rows of `axis` from `begin` on.
void paste(Tensor& tensor, int64_t axis, int64_t begin, const Tensor& piece) {
  const int64_t extent = tensor.shape()[static_cast<size_t>(axis)];
  const int64_t rows = piece.shape()[static_cast<size_t>(axis)];
  int64_t outer = 1;
  for (int64_t i = 0; i < axis; ++i) outer *= piece.shape()[static_cast<size_t>(i)];
  if (outer == 0 || rows == 0) return;
  const size_t bytes = piece.bytes().size() / static_cast<size_t>(outer);
  const size_t row = bytes / static_cast<size_t>(rows);
  for (int64_t i = 0; i < outer; ++i) {
    std::memcpy(tensor.mutable_bytes().data() + row * static_cast<size_t>(i * extent + begin),
                piece.bytes().data() + bytes * static_cast<size_t>(i), bytes);
  }
}

bool takes_dynamic_shapes(const PlanOptions& options) {
  return std::ranges::none_of(options.devices,
                              [](const auto& device) { return device->info().fixed_shapes; });
}

}  // namespace

Result<std::shared_ptr<WindowedProgram>> WindowedProgram::prepare(Graph graph,
                                                                  ProgramOptions program,
                                                                  WindowedOptions options) {
  TENWATT_TRY(graph::infer_shapes(graph));
  TENWATT_TRY(graph::optimise(graph));
  const auto symbol = graph.find_symbol(options.symbol);
  if (!symbol) {
    return fail(ErrorCode::kInvalidArgument,
                "graph " + graph.name + " has no dimension " + options.symbol);
  }
  std::shared_ptr<WindowedProgram> windowed(new WindowedProgram);
  windowed->window_ = TENWATT_TRY(derive_window(graph, *symbol));
  windowed->graph_ = graph;
  windowed->program_options_ = program;
  windowed->options_ = std::move(options);
  if (takes_dynamic_shapes(program.plan)) {
    // One program serves every size, with one copy of the weights.
    windowed->whole_ = TENWATT_TRY(Program::prepare(std::move(graph), std::move(program)));
    windowed->windowed_ = windowed->whole_;
    return windowed;
  }
  windowed->windowed_ = TENWATT_TRY(windowed->program_for(windowed->options_.size));
  return windowed;
}

Result<std::shared_ptr<Program>> WindowedProgram::program_for(int64_t size) const {
  if (whole_ && whole_ == windowed_) return whole_;
  std::lock_guard lock(mutex_);
  auto& program = buckets_[size];
  if (program) return program;
  Graph fixed = graph_;
  graph::substitute(fixed, window_.symbol, Dim(size));
  ProgramOptions options = program_options_;
  if (!options.source.empty()) options.source += "/window=" + std::to_string(size);
  program = TENWATT_TRY(Program::prepare(std::move(fixed), std::move(options)));
  return program;
}

Result<std::shared_ptr<Program>> WindowedProgram::whole_program() const {
  if (whole_) return whole_;
  std::lock_guard lock(mutex_);
  auto& kept = buckets_[0];
  if (!kept) {
    ProgramOptions fallback = program_options_;
    fallback.plan = options_.fallback;
    kept = TENWATT_TRY(Program::prepare(graph_, std::move(fallback)));
  }
  return kept;
}

Result<WindowedProgram::Schedule> WindowedProgram::schedule(int64_t rows) const {
  if (rows < 1) {
    return fail(ErrorCode::kInvalidArgument,
                "a windowed run needs at least one row of " + graph_.symbol(window_.symbol).name);
  }
  const GrowingWindows& growing = options_.growing;
  if (windowed_ == whole_ && growing.first_kept > 0) {
    const int64_t least = window_.halo_left + window_.halo_right + 1;
    const int64_t first = std::max(growing.first_kept + window_.halo_right, least);
    const WindowSizes sizes{std::max(growing.largest, first), first, growing.growth};
    return Schedule{whole_, TENWATT_TRY(window_steps(window_, rows, sizes))};
  }
  // The largest window that the input fills and that leaves rows between its halos.
  int64_t size = options_.size;
  for (size_t i = options_.buckets.size(); i-- > 0 && size > rows;) size = options_.buckets[i];
  const bool covers = size == rows || size > window_.halo_left + window_.halo_right;
  Schedule schedule;
  if (size > rows || !covers) {
    schedule.program = TENWATT_TRY(whole_program());
    size = rows;
  } else {
    schedule.program = TENWATT_TRY(program_for(size));
  }
  schedule.steps = TENWATT_TRY(window_steps(window_, rows, {.size = size}));
  return schedule;
}

Result<std::vector<Tensor>> WindowedProgram::run_step(const Schedule& schedule, size_t index,
                                                      const Inputs& inputs,
                                                      const RunOptions& options) const {
  const WindowStep& step = schedule.steps[index];
  Batch batch;
  batch.inputs = inputs;
  for (const WindowAxis& axis : window_.inputs) {
    const std::string& name = graph_.value(axis.value).name;
    const auto given = batch.inputs.find(name);
    const int64_t end = (step.begin + step.size) * axis.rate;
    if (given == batch.inputs.end() || given->second.rank() <= axis.axis ||
        given->second.shape()[static_cast<size_t>(axis.axis)] < end) {
      return fail(ErrorCode::kInvalidArgument,
                  "the input " + name + " of a windowed run is missing or too short");
    }
    given->second = TENWATT_TRY(cut(given->second, axis.axis, step.begin * axis.rate, end));
  }
  const std::vector<Tensor> outputs = TENWATT_TRY(schedule.program->run(batch, options));
  std::vector<Tensor> kept;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int64_t offset = step.begin * window_.outputs[i].rate;
    kept.push_back(TENWATT_TRY(cut(outputs[i], window_.outputs[i].axis, step.keep_begin[i] - offset,
                                   step.keep_end[i] - offset)));
  }
  return kept;
}

Result<std::vector<Tensor>> WindowedProgram::run_whole(const Inputs& inputs,
                                                       const RunOptions& options) const {
  Batch batch;
  batch.inputs = inputs;
  return TENWATT_TRY(whole_program())->run(batch, options);
}

Result<std::vector<Tensor>> WindowedProgram::run(const Inputs& inputs,
                                                 const RunOptions& options) const {
  if (window_.inputs.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no input has the windowed dimension");
  }
  const WindowAxis& first = window_.inputs.front();
  const auto given = inputs.find(graph_.value(first.value).name);
  if (given == inputs.end() || given->second.rank() <= first.axis) {
    return fail(ErrorCode::kInvalidArgument,
                "the input " + graph_.value(first.value).name + " is missing or has too few axes");
  }
  const int64_t rows = given->second.shape()[static_cast<size_t>(first.axis)] / first.rate;
  const Schedule schedule = TENWATT_TRY(this->schedule(rows));
  std::vector<Tensor> joined;
  for (size_t step = 0; step < schedule.steps.size(); ++step) {
    std::vector<Tensor> pieces = TENWATT_TRY(run_step(schedule, step, inputs, options));
    for (size_t i = 0; i < pieces.size(); ++i) {
      const WindowAxis& output = window_.outputs[i];
      if (step == 0) {
        Shape shape = pieces[i].shape();
        shape[static_cast<size_t>(output.axis)] = rows * output.rate;
        joined.push_back(TENWATT_TRY(Tensor::create(pieces[i].format(), std::move(shape))));
      }
      paste(joined[i], output.axis, schedule.steps[step].keep_begin[i], pieces[i]);
    }
  }
  return joined;
}

}  // namespace tenwatt::engine
