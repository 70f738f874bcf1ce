#include "devices/cpu/arena.h"

#include <algorithm>
#include <numeric>

namespace tenwatt::cpu {
namespace {

struct Block {
  size_t begin;
  size_t end;
  int64_t last;
};

/// The lowest offset where `bytes` fit between the active blocks, which are sorted by offset.
size_t first_gap(const std::vector<Block>& active, size_t bytes) {
  size_t at = 0;
  for (const Block& block : active) {
    if (block.begin >= at && block.begin - at >= bytes) return at;
    at = std::max(at, block.end);
  }
  return at;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(lifetimes[i].first, i); });
  ArenaPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<Block> active;
  for (size_t i : order) {
    const Lifetime& life = lifetimes[i];
    std::erase_if(active, [&](const Block& block) { return block.last < life.first; });
    const size_t bytes = std::max(align_up(life.bytes), kAlignment);
    const size_t at = first_gap(active, bytes);
    plan.offsets[i] = at;
    plan.bytes = std::max(plan.bytes, at + bytes);
    const Block block{at, at + bytes, life.last};
    active.insert(std::ranges::upper_bound(active, at, {}, &Block::begin), block);
  }
  return plan;
}

}  // namespace tenwatt::cpu
