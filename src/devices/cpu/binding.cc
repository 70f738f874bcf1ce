#include "devices/cpu/binding.h"

#include <algorithm>

#include "devices/cpu/arena.h"
#include "graph/reference/reference.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

/// What the binder knows of a value while it walks the stage.
struct Fate {
  ValueId root = kNoValue;  ///< whose memory it is; itself unless an alias
  size_t offset = 0;        ///< in the root's memory
  int64_t first = 0;        ///< of a root that a step writes: that step
  int64_t last = -1;        ///< last step that needs the memory
  bool written = false;     ///< a step of this stage writes it
  bool own = false;         ///< and every member has it for itself
  bool read = false;        ///< its memory is needed
};

class Binder {
 public:
  Binder(const Graph& graph, const Stage& stage, const graph::Bindings& bindings,
         const Weights& weights, const Setup& setup)
      : graph_(graph),
        stage_(stage),
        bindings_(bindings),
        weights_(weights),
        setup_(setup),
        fates_(2 * graph.values().size()),
        block_bytes_(graph.values().size()),
        binding_(std::make_shared<Binding>()) {
    binding_->shapes.resize(graph.values().size());
    binding_->tap_after.assign(graph.values().size(), -1);
    for (size_t i = 0; i < fates_.size(); ++i) fates_[i].root = static_cast<ValueId>(i);
  }

  Result<std::shared_ptr<const Binding>> run() {
    TENWATT_TRY(shape_border());
    if (stage_.kind == StageKind::kExtent) return extent_inputs();
    for (NodeId n = stage_.first; n < stage_.last; ++n) TENWATT_TRY(lower(graph_.node(n)));
    close_group();
    TENWATT_TRY(place_results());
    TENWATT_TRY(place_sources());
    TENWATT_TRY(place_arena());
    place_aliases();
    return std::shared_ptr<const Binding>(std::move(binding_));
  }

 private:
  Fate& fate(ValueId id) { return fates_[static_cast<size_t>(id)]; }
  Shape& shape(ValueId id) { return binding_->shapes[static_cast<size_t>(id)]; }

  Status shape_value(ValueId id) {
    if (id == kNoValue || !shape(id).empty()) return {};
    const graph::Value& value = graph_.value(id);
    if (value.constant) {
      shape(id) = value.constant->shape();
      return {};
    }
    Shape extents;
    for (const graph::Dim& dim : value.type.shape) {
      auto extent = dim.evaluate(bindings_);
      if (!extent) return fail_in("shape of " + value.name, extent.error());
      if (*extent < 0) {
        return fail(ErrorCode::kInvalidArgument, "shape of " + value.name + " is negative");
      }
      extents.push_back(*extent);
    }
    shape(id) = std::move(extents);
    return {};
  }

  /// A kExtent stage only needs its node's inputs; its results are placed when they exist.
  Result<std::shared_ptr<const Binding>> extent_inputs() {
    for (ValueId id : graph_.node(stage_.first).inputs) {
      if (id == kNoValue) continue;
      TENWATT_TRY(shape_value(id));
      need(id, 0);
    }
    TENWATT_TRY(place_sources());
    return std::shared_ptr<const Binding>(std::move(binding_));
  }

  Status shape_border() {
    for (ValueId id : graph_.inputs) {
      // An input that only later stages use may have an extent that is not known yet.
      (void)shape_value(id);
    }
    for (ValueId id : stage_.arriving) TENWATT_TRY(shape_value(id));
    return {};
  }

  /// True if every output is a constant or can be written down from the bindings.
  bool elided(const Node& node) const {
    return std::ranges::all_of(node.outputs, [&](ValueId id) {
      return id == kNoValue || graph_.value(id).constant || is_known(id);
    });
  }

  bool is_known(ValueId id) const {
    const auto& known = graph_.value(id).known;
    return known && std::ranges::all_of(*known, [&](const graph::Dim& dim) {
             return dim.evaluate(bindings_).has_value();
           });
  }

  Status lower(const Node& node) {
    for (ValueId id : node.outputs) TENWATT_TRY(shape_value(id));
    if (elided(node)) return {};
    for (ValueId id : node.inputs) TENWATT_TRY(shape_value(id));
    const LowerInput input{graph_, node, binding_->shapes, bindings_, weights_, setup_};
    auto made = lower_node(input);
    if (!made) return fail_in("node " + node.name + " (" + node.op + ")", made.error());
    for (const Quantised& quantised : made->quantised) {
      made->reads.push_back(quantise(quantised));
    }
    if (made->step) {
      add_step(std::move(*made->step), made->reads, node.outputs);
    } else {
      for (ValueId id : made->reads) need(id, static_cast<int64_t>(binding_->steps.size()));
    }
    for (const Alias& alias : made->aliases) make_alias(alias);
    for (ValueId id : node.outputs) {
      if (id != kNoValue) set_tap(id);
    }
    return {};
  }

  /// The blocks of a value, which the first step that reads them has made.
  ValueId quantise(const Quantised& quantised) {
    const ValueId blocks = blocks_of(graph_, quantised.x);
    if (!fate(blocks).written) {
      block_bytes_[static_cast<size_t>(quantised.x)] = quantised_bytes(quantised);
      const ValueId outputs[] = {blocks};
      add_step(quantise_step(setup_, quantised, blocks), {quantised.x}, outputs);
    }
    return blocks;
  }

  void add_step(Step step, const std::vector<ValueId>& reads, std::span<const ValueId> outputs) {
    const int64_t index = static_cast<int64_t>(binding_->steps.size());
    for (ValueId id : reads) need(id, index);
    // What member 0 has just made alone it also goes on with alone, rather than to be waited for.
    if (step.crew == Crew::kEach && reads_fresh(reads, {Crew::kSolo})) step.crew = Crew::kSolo;
    join_group(step, reads);
    for (ValueId id : outputs) {
      if (id == kNoValue) continue;
      write(id, index);
      fate(id).own = step.crew == Crew::kEach;
    }
    binding_->steps.push_back(std::move(step));
    binding_->barrier_after.push_back(0);
    group_of_.push_back(group_);
  }

  /// True if a step of the group that is open wrote one of these, with one of these crews.
  bool reads_fresh(const std::vector<ValueId>& reads, std::initializer_list<Crew> crews) {
    return std::ranges::any_of(reads, [&](ValueId id) {
      if (id == kNoValue) return false;
      const Fate& root = fate(fate(id).root);
      if (!root.written || group_of_[static_cast<size_t>(root.first)] != group_) return false;
      const Crew writer = binding_->steps[static_cast<size_t>(root.first)].crew;
      return std::ranges::find(crews, writer) != crews.end();
    });
  }

  // Neighbouring steps that don't need each other's results form a group and run without barriers
  // between them; memory lives for whole groups. Steps on member 0 alone are in order anyway, and
  // so is what every member does for itself.
  static constexpr size_t kGroupSteps = 16;

  void join_group(const Step& step, const std::vector<ValueId>& reads) {
    const bool scratch_taken = group_has_scratch_ && step.shared_scratch > 0;
    const bool waits = step.crew == Crew::kSolo ? reads_fresh(reads, {Crew::kAll})
                                                : reads_fresh(reads, {Crew::kAll, Crew::kSolo});
    if (scratch_taken || waits || group_size_ == kGroupSteps) close_group();
    ++group_size_;
    group_has_scratch_ = group_has_scratch_ || step.shared_scratch > 0;
  }

  void close_group() {
    if (!binding_->steps.empty()) binding_->barrier_after.back() = 1;
    ++group_;
    group_size_ = 0;
    group_has_scratch_ = false;
  }

  /// A step's position in units of memory life.
  int64_t group_of(int64_t step) const {
    if (step < 0) return -1;
    if (step >= static_cast<int64_t>(group_of_.size())) return group_ + 1;
    return group_of_[static_cast<size_t>(step)];
  }

  void write(ValueId id, int64_t step) {
    fate(id).written = true;
    fate(id).first = step;
    fate(id).last = std::max(fate(id).last, step);
  }

  void need(ValueId id, int64_t step) {
    if (id == kNoValue) return;
    fate(id).read = true;
    Fate& root = fate(fate(id).root);
    root.read = true;
    root.last = std::max(root.last, step);
  }

  void make_alias(const Alias& alias) {
    const Fate& from = fate(alias.input);
    fate(alias.output).root = from.root;
    fate(alias.output).offset = from.offset + alias.offset;
    need(alias.output, static_cast<int64_t>(binding_->steps.size()) - 1);
  }

  /// A value is complete after the newest step; its memory lives at least that long.
  void set_tap(ValueId id) {
    const int64_t step = static_cast<int64_t>(binding_->steps.size()) - 1;
    binding_->tap_after[static_cast<size_t>(id)] = static_cast<int32_t>(step);
    Fate& root = fate(fate(id).root);
    root.last = std::max(root.last, step);
  }

  bool made_here(ValueId id) const {
    const NodeId producer = graph_.value(id).producer;
    return producer >= stage_.first && producer < stage_.last;
  }
  bool is_last_stage() const { return stage_.last == static_cast<NodeId>(graph_.nodes().size()); }

  Place* find_place(ValueId id) {
    auto at = std::ranges::find(binding_->placed, id, &Placed::value);
    return at == binding_->placed.end() ? nullptr : &at->place;
  }

  /// Lets the step write straight into `place`, or copies after the last step.
  Status deliver(ValueId id, Place place) {
    const Fate& own = fate(id);
    Fate& root = fate(own.root);
    const size_t bytes = TENWATT_TRY(value_bytes(graph_, id, shape(id)));
    if (root.written && !root.own && own.offset == 0 && !find_place(own.root) &&
        bytes == TENWATT_TRY(value_bytes(graph_, own.root, shape(own.root)))) {
      binding_->placed.push_back({own.root, place});
      return {};
    }
    need(id, static_cast<int64_t>(binding_->steps.size()));
    binding_->copies.push_back({id, place, bytes});
    return {};
  }

  Status place_results() {
    for (size_t k = 0; k < graph_.outputs.size(); ++k) {
      const ValueId id = graph_.outputs[k];
      const bool here =
          graph_.value(id).producer == graph::kNoNode ? is_last_stage() : made_here(id);
      if (!here) continue;
      TENWATT_TRY(shape_value(id));
      TENWATT_TRY(deliver(id, {Place::Base::kOutput, static_cast<int32_t>(k), 0, nullptr}));
    }
    for (ValueId id : stage_.leaving) {
      const size_t bytes = TENWATT_TRY(value_bytes(graph_, id, shape(id)));
      binding_->crossing.push_back({id, bytes});
      TENWATT_TRY(deliver(id, {Place::Base::kCrossing, id, 0, nullptr}));
    }
    return {};
  }

  /// Places what is read and not written here: inputs, weights, known values, earlier results.
  Status place_sources() {
    for (size_t k = 0; k < graph_.inputs.size(); ++k) {
      place_once(graph_.inputs[k], {Place::Base::kInput, static_cast<int32_t>(k), 0, nullptr});
    }
    for (ValueId id : stage_.arriving) {
      place_once(id, {Place::Base::kCrossing, id, 0, nullptr});
    }
    for (size_t i = 0; i < fates_.size(); ++i) {
      const ValueId id = static_cast<ValueId>(i);
      const Fate& own = fates_[i];
      if (own.root != id || !own.read || own.written || is_bordering(id)) continue;
      TENWATT_TRY(place_fixed(id));
    }
    return {};
  }

  bool is_bordering(ValueId id) {
    return graph_.is_input(id) || std::ranges::find(stage_.arriving, id) != stage_.arriving.end();
  }

  void place_once(ValueId id, Place place) {
    if (fate(id).root == id && !fate(id).written && !graph_.value(id).constant) {
      binding_->placed.push_back({id, place});
    }
  }

  Status place_fixed(ValueId id) {
    const graph::Value& value = graph_.value(id);
    if (value.constant) {
      const std::byte* data = weights_.plain(id);
      if (!data && value.constant->count() > 0) {
        return fail(ErrorCode::kInternal, "the weight " + value.name + " was not packed");
      }
      binding_->placed.push_back({id, {Place::Base::kFixed, 0, 0, data}});
      return {};
    }
    if (!value.known) {
      return fail(ErrorCode::kInternal, "nothing computes " + value.name + " before it is read");
    }
    binding_->known.push_back(TENWATT_TRY(graph::materialise(value, bindings_)));
    const std::byte* data = binding_->known.back().bytes().data();
    binding_->placed.push_back({id, {Place::Base::kFixed, 0, 0, data}});
    return {};
  }

  Status place_arena() {
    std::vector<bool> has_place(fates_.size());
    for (const Placed& placed : binding_->placed) {
      has_place[static_cast<size_t>(placed.value)] = true;
    }
    const auto place_all = [&](Place::Base base) -> Result<size_t> {
      std::vector<ValueId> ids;
      std::vector<Lifetime> lifetimes;
      for (size_t i = 0; i < fates_.size(); ++i) {
        const bool own = base == Place::Base::kOwn;
        if (!fates_[i].written || fates_[i].own != own || has_place[i]) continue;
        ids.push_back(static_cast<ValueId>(i));
        lifetimes.push_back({TENWATT_TRY(bytes_of(ids.back())), group_of(fates_[i].first),
                             group_of(fates_[i].last)});
      }
      const ArenaPlan plan = plan_arena(lifetimes);
      for (size_t i = 0; i < ids.size(); ++i) {
        binding_->placed.push_back({ids[i], {base, 0, plan.offsets[i], nullptr}});
      }
      return plan.bytes;
    };
    const size_t values = TENWATT_TRY(place_all(Place::Base::kArena));
    const size_t own_values = TENWATT_TRY(place_all(Place::Base::kOwn));
    size_t shared = 0;
    size_t scratch = 0;
    for (const Step& step : binding_->steps) {
      shared = std::max(shared, align_up(step.shared_scratch));
      scratch = std::max(scratch, align_up(step.member_scratch));
    }
    binding_->shared_scratch_offset = values;
    binding_->arena_bytes = values + shared;
    binding_->member_scratch_offset = own_values;
    binding_->member_bytes = own_values + scratch;
    return {};
  }

  /// Bytes of a value or of its blocks.
  Result<size_t> bytes_of(ValueId id) {
    const size_t i = static_cast<size_t>(id);
    if (i >= block_bytes_.size()) return block_bytes_[i - block_bytes_.size()];
    return value_bytes(graph_, id, shape(id));
  }

  void place_aliases() {
    std::vector<Place> roots(fates_.size());
    for (const Placed& placed : binding_->placed) {
      roots[static_cast<size_t>(placed.value)] = placed.place;
    }
    for (size_t i = 0; i < fates_.size(); ++i) {
      const ValueId id = static_cast<ValueId>(i);
      if (fates_[i].root == id) continue;
      Place place = roots[static_cast<size_t>(fates_[i].root)];
      if (place.base == Place::Base::kNone) continue;
      place.offset += fates_[i].offset;
      binding_->placed.push_back({id, place});
    }
    for (const Placed& placed : binding_->placed) {
      if (placed.place.base == Place::Base::kOwn) binding_->own.push_back(placed);
    }
  }

  const Graph& graph_;
  const Stage& stage_;
  const graph::Bindings& bindings_;
  const Weights& weights_;
  const Setup& setup_;
  std::vector<Fate> fates_;          ///< by ValueId, then by those of blocks (blocks_of)
  std::vector<size_t> block_bytes_;  ///< by the ValueId that they are the blocks of
  std::shared_ptr<Binding> binding_;
  std::vector<int64_t> group_of_;  ///< by step
  int64_t group_ = 0;
  size_t group_size_ = 0;
  bool group_has_scratch_ = false;
};

}  // namespace

Result<size_t> value_bytes(const Graph& graph, ValueId id, const Shape& shape) {
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  return storage_bytes(graph.value(id).type.format, count);
}

Result<std::shared_ptr<const Binding>> bind_stage(const Graph& graph, const Stage& stage,
                                                  const graph::Bindings& bindings,
                                                  const Weights& weights, const Setup& setup) {
  return Binder(graph, stage, bindings, weights, setup).run();
}

}  // namespace tenwatt::cpu
