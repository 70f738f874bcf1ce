// How attention keeps its append states: pages of 64 rows; keys as [kv_heads][head_dim][64] so that
// one vector holds scores of 16 keys, values as [kv_heads][64][head_dim].
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "devices/cpu/kernels/table.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

/// Which of the two page orders a state has.
enum class PageOrder : uint8_t { kKeys, kValues };

/// The extents of one row of a state.
struct RowExtents {
  int64_t heads = 1;
  int64_t width = 1;
};
Result<RowExtents> row_extents(const graph::State& state);
Result<KvFormat> kv_format(Format format);

class CpuStateLayout : public devices::StateLayout {
 public:
  size_t page_bytes(const graph::State& state) const override;
  Status to_canonical(const graph::State& state, const std::byte* page, int64_t rows,
                      std::span<float> out) const override;
  Status from_canonical(const graph::State& state, std::span<const float> in, int64_t rows,
                        std::byte* page) const override;

  /// Learns from a graph's attention nodes which states hold keys and which values. An error if a
  /// name has been both.
  Status learn(const graph::Graph& graph);

 private:
  Result<PageOrder> order_of(const std::string& state) const;
  Status set_order(const std::string& state, PageOrder order);

  mutable std::mutex mutex_;
  std::map<std::string, PageOrder, std::less<>> orders_;
};

}  // namespace tenwatt::cpu
