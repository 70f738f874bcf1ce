#include "engine/run/pages.h"

#include <algorithm>

namespace tenwatt::engine {
namespace {

constexpr size_t kAlign = 64;
// Slabs of a few pages: large enough for 2 MB pages of memory, small enough to waste little.
constexpr size_t kSlabPages = 4;

size_t round_up(size_t value) { return (value + kAlign - 1) / kAlign * kAlign; }

}  // namespace

PagePlan PagePlan::make(const graph::Graph& graph, const devices::StateLayout* layout) {
  PagePlan plan;
  plan.layout = layout;
  for (const graph::State& state : graph.states) {
    plan.offsets.push_back(plan.page_bytes);
    if (state.kind == graph::StateKind::kAppend && layout != nullptr) {
      plan.page_bytes += round_up(layout->page_bytes(state));
    }
  }
  return plan;
}

Result<PagePool::Page> PagePool::take() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) {
    slabs_.push_back(TENWATT_TRY(HugeBuffer::allocate(kSlabPages * page_bytes_)));
    free_.reserve(slabs_.size() * kSlabPages);  // so that giving back never allocates
    for (size_t i = kSlabPages; i-- > 0;) free_.push_back(slabs_.back().data() + i * page_bytes_);
  }
  std::byte* page = free_.back();
  free_.pop_back();
  return Page(page, [pool = shared_from_this()](std::byte* returned) {
    std::lock_guard inner(pool->mutex_);
    pool->free_.push_back(returned);
  });
}

}  // namespace tenwatt::engine
