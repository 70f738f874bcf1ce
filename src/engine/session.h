// A session: what one sequence keeps between runs of a program, and the operations on it.
//
// Runs read the committed content and write past it; the session commits after the whole run
// succeeded, so a failed or cancelled run leaves no trace. Forks share pages until one writes.
// A session belongs to one thread at a time; forks are independent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "engine/run/pages.h"
#include "graph/ir/graph.h"
#include "numbers/tensor.h"

namespace tenwatt::engine {

class Program;

class Session {
 public:
  /// Committed rows of the tokens axis.
  int64_t length() const { return length_; }

  /// An independent copy that shares what it can.
  Result<std::unique_ptr<Session>> fork() const;
  /// Forgets the rows from `length` on. Value and ring states can't go back: an error if the graph
  /// has any, except for the present length or a length of 0 (then they are zero again; fixed
  /// states stay as they were set).
  Status truncate(int64_t length);

  /// Sets a fixed or value state; shape and format as declared.
  Status set_state(std::string_view name, const Tensor& content);
  /// The committed content in canonical form: f32, append states [length, row...].
  Result<Tensor> state(std::string_view name) const;

  /// All states in canonical form, with a checksum; `load` gives a session that goes on with
  /// equal bits on the same device and instruction level.
  Result<std::string> save() const;
  static Result<std::unique_ptr<Session>> load(std::shared_ptr<const Program> program,
                                               std::string_view saved);

 private:
  friend class Program;
  explicit Session(std::shared_ptr<const Program> program);

  /// Makes room for `rows` more rows: fresh pages, and a page of its own where the last one is
  /// shared with a fork.
  Status reserve(int64_t rows);

  std::shared_ptr<const Program> program_;
  int64_t length_ = 0;
  std::vector<PagePool::Page> pages_;
  std::vector<std::byte*> page_pointers_;  // of pages_, as kernels want them
  std::vector<Tensor> contents_;           // by state: ring, value and fixed states
};

}  // namespace tenwatt::engine
