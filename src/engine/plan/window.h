// Windows: how a dynamic axis meets fixed shapes.
//
// A sliding window runs a program of fixed size over pieces of a long axis and keeps only the rows
// that no cut edge could have touched. The halo, how far an edge reaches, is derived by walking
// the graph's operators; an operator that mixes the whole axis (softmax or a sum over time) is a
// refusal with its reason. The first window starts at the true beginning and the last one is slid
// back so that it ends at the true end, so the model's own padding stays what it was, and the
// joined result equals a whole run bit for bit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::engine {

/// The windowed axis of one value: extent = rate * rows of the window.
struct WindowAxis {
  graph::ValueId value = graph::kNoValue;
  int64_t axis = 0;
  int64_t rate = 1;
};

/// How a graph can be run in pieces along one symbol.
struct SlidingWindow {
  graph::SymbolId symbol = 0;
  std::vector<WindowAxis> inputs;   ///< inputs that have the axis; the others are given whole
  std::vector<WindowAxis> outputs;  ///< in the order of Graph::outputs
  /// Rows of the symbol that an output needs on either side of its own.
  int64_t halo_left = 0;
  int64_t halo_right = 0;
  /// The same in rows of each output, exact.
  std::vector<int64_t> output_halo_left;
  std::vector<int64_t> output_halo_right;
};

/// Derives the halo of `symbol`, or refuses naming the node and why.
Result<SlidingWindow> derive_window(const graph::Graph& graph, graph::SymbolId symbol);

/// One step of a windowed run: rows [begin, begin + size) go in, and of output i the rows
/// [keep_begin, keep_end) of the symbol's axis (times the output's rate) are final and new.
struct WindowStep {
  int64_t begin = 0;
  int64_t size = 0;
  std::vector<int64_t> keep_begin;  ///< by output, in the output's rows, absolute
  std::vector<int64_t> keep_end;
};

/// How many rows the windows of a run have.
struct WindowSizes {
  int64_t size = 0;
  /// 0: every window has `size` rows, as fixed shapes need it. Else the first one has so many, each
  /// next one `growth` times as many up to `size`, and the last one only the rows that are left:
  /// the first results come early, and long runs recompute few rows of halo.
  int64_t first = 0;
  int64_t growth = 2;
};

/// The steps that cover `rows` with windows (or one step of `rows`, if that is not more than the
/// first has). An error if a window leaves no row between its halos.
Result<std::vector<WindowStep>> window_steps(const SlidingWindow& window, int64_t rows,
                                             const WindowSizes& sizes);

}  // namespace tenwatt::engine
