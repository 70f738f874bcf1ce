#include "devices/cpu/pack/weights.h"

#include <algorithm>
#include <mutex>
#include <set>

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::ValueId;

std::map<std::string, size_t> piece_sizes(const std::vector<PackedPiece>& pieces) {
  std::map<std::string, size_t> sizes;
  for (const PackedPiece& piece : pieces) {
    size_t& size = sizes[piece.piece];
    size = std::max(size, piece.offset + piece.bytes);
  }
  return sizes;
}

/// Panels are packed by all members; other layouts by the member whose turn it is.
Status pack_piece(const Graph& graph, const PackedPiece& piece, std::span<std::byte> out,
                  Team& team) {
  const int64_t items = packing_items(graph, piece);
  if (items < 8) return pack_items(graph, piece, 0, items, out);
  std::mutex mutex;
  Status status;
  team.run([&](Member& member) {
    const auto share = member.share(items);
    if (share.begin >= share.end) return;
    Status mine = pack_items(graph, piece, share.begin, share.end, out);
    if (mine) return;
    std::lock_guard lock(mutex);
    status = std::move(mine);
  });
  return status;
}

}  // namespace

Status pack_constants(const Graph& graph, devices::ArtifactWriter& writer, Team& team) {
  const auto pieces = TENWATT_TRY(plan_packing(graph));
  std::map<std::string, std::span<std::byte>> memory;
  for (const auto& [name, size] : piece_sizes(pieces)) {
    memory[name] = TENWATT_TRY(writer.add(name, size));
  }
  std::map<ValueId, size_t> last_use;
  for (size_t i = 0; i < pieces.size(); ++i) last_use[pieces[i].value] = i;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const PackedPiece& piece = pieces[i];
    TENWATT_TRY(
        pack_piece(graph, piece, memory[piece.piece].subspan(piece.offset, piece.bytes), team));
    if (last_use[piece.value] == i) writer.consumed(*graph.value(piece.value).constant);
  }
  return {};
}

Result<std::shared_ptr<const Weights>> Weights::load(
    const Graph& graph, std::shared_ptr<const devices::Artifact> artifact) {
  auto weights = std::make_shared<Weights>(sources(graph));
  const auto pieces = TENWATT_TRY(plan_packing(graph));
  for (const PackedPiece& piece : pieces) {
    const auto bytes = artifact ? artifact->piece(piece.piece) : std::nullopt;
    if (!bytes || bytes->size() < piece.offset + piece.bytes) {
      return fail(ErrorCode::kCorrupt, "the artifact lacks " + piece.piece,
                  "delete the artifact so that it is built again");
    }
    weights->pieces_[{piece.value, piece.packing}] = bytes->subspan(piece.offset, piece.bytes);
    weights->bytes_ += piece.bytes;
  }
  weights->artifact_ = std::move(artifact);
  return std::shared_ptr<const Weights>(std::move(weights));
}

Weights Weights::sources(const Graph& graph) {
  Weights weights;
  for (size_t i = 0; i < graph.values().size(); ++i) {
    const graph::Value& value = graph.values()[i];
    if (value.constant) weights.sources_[static_cast<ValueId>(i)] = *value.constant;
  }
  return weights;
}

Weights Weights::planned(const Graph& graph) {
  static constexpr std::byte kNothing[1] = {};
  Weights weights = sources(graph);
  const auto pieces = plan_packing(graph);
  if (!pieces) return weights;
  for (const PackedPiece& piece : *pieces) {
    if (piece.packing == Packing::kPlain) continue;
    weights.pieces_[{piece.value, piece.packing}] = kNothing;
  }
  return weights;
}

const std::byte* Weights::find(ValueId id, Packing packing) const {
  const auto at = pieces_.find({id, packing});
  return at == pieces_.end() ? nullptr : at->second.data();
}

const std::byte* Weights::plain(ValueId id) const {
  if (const std::byte* packed = find(id, Packing::kPlain)) return packed;
  const auto at = sources_.find(id);
  return at == sources_.end() ? nullptr : at->second.bytes().data();
}

}  // namespace tenwatt::cpu
