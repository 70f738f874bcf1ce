// The pages that append states live in: kPageRows rows of every append state of one sequence,
// shared by reference count between forks and copied when one of them writes.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "devices/interface/device.h"
#include "graph/ir/graph.h"

namespace tenwatt::engine {

/// Where each append state lies in a page.
struct PagePlan {
  const devices::StateLayout* layout = nullptr;  ///< null when the graph has no append states
  std::vector<size_t> offsets;                   ///< by index of Graph::states
  size_t page_bytes = 0;

  static PagePlan make(const graph::Graph& graph, const devices::StateLayout* layout);
};

/// Hands out pages of one size. Thread-safe; must outlive no page (pages keep it alive).
class PagePool : public std::enable_shared_from_this<PagePool> {
 public:
  explicit PagePool(size_t page_bytes) : page_bytes_(page_bytes) {}

  /// Content of a fresh page is undefined.
  using Page = std::shared_ptr<std::byte>;
  Result<Page> take();
  size_t page_bytes() const { return page_bytes_; }

 private:
  const size_t page_bytes_;
  std::mutex mutex_;
  std::vector<HugeBuffer> slabs_;
  std::vector<std::byte*> free_;
};

}  // namespace tenwatt::engine
