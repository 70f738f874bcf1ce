// See inference.h. Data-dependent extents: an integer that is not known and becomes an extent gets
// a symbol on the value it stems from (through reshapes and casts that keep it), so that every
// later use of that value means the same symbol.
#include "graph/ops/inference.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "numbers/onnx_types.h"

namespace tenwatt::graph {
namespace {

constexpr int kMaxTrace = 16;
constexpr int64_t kMaxSymbolsPerValue = 16;
constexpr int64_t kExactFloat = int64_t{1} << 24;

bool is_integer(Format format) {
  return info(format).kind == FormatKind::kInteger || format == Format::kBool;
}

/// Operators that only pass a value on, in another shape or number format.
bool passes_on(std::string_view op) {
  constexpr std::array<std::string_view, 6> kOps{"Cast",    "Identity",  "Reshape",
                                                 "Squeeze", "Unsqueeze", "Flatten"};
  return std::ranges::find(kOps, op) != kOps.end();
}

template <class T>
Dims whole_numbers(const Tensor& tensor) {
  Dims out;
  for (const T value : tensor.values<T>()) out.push_back(Dim(static_cast<int64_t>(value)));
  return out;
}

}  // namespace

SymbolTable::SymbolTable(Graph& graph) : graph_(graph), ranges_(graph.symbol_ranges()) {
  for (size_t i = 0; i < graph.symbols().size(); ++i) {
    const auto& source = graph.symbols()[i].source;
    if (!source) continue;
    by_source_[{source->value, source->kind, source->index}] = static_cast<SymbolId>(i);
  }
}

std::optional<Dim> SymbolTable::find(ValueId value, Symbol::Source::Kind kind,
                                     int64_t index) const {
  const auto found = by_source_.find({value, kind, index});
  return found == by_source_.end() ? std::nullopt : std::optional(Dim::symbol(found->second));
}

Dim SymbolTable::at(ValueId value, Symbol::Source::Kind kind, int64_t index, Range bounds) {
  if (const auto found = find(value, kind, index)) return *found;
  std::string name = graph_.value(value).name;
  if (index != 0 || kind == Symbol::Source::Kind::kExtent) name += "." + std::to_string(index);
  const SymbolId id = graph_.add_symbol(std::move(name), bounds);
  graph_.symbol(id).source = Symbol::Source{value, index, kind};
  ranges_.push_back(bounds);
  by_source_[{value, kind, index}] = id;
  return Dim::symbol(id);
}

std::optional<Dims> Inference::known(size_t input) const {
  if (!has(input)) return std::nullopt;
  const Value& value = in(input);
  if (value.known) return value.known;
  if (value.constant) return known_of(*value.constant);
  return std::nullopt;
}

Range Inference::data_bounds(ValueId id) const {
  Range bounds{0, kMaxDataExtent};
  for (int depth = 0; depth < kMaxTrace && graph_.value(id).producer != kNoNode; ++depth) {
    const Node& producer = graph_.node(graph_.value(id).producer);
    if (producer.op == "Clip") {
      const auto limit = [&](size_t input) -> std::optional<Dim> {
        if (input >= producer.inputs.size() || producer.inputs[input] == kNoValue) return {};
        const auto& constant = graph_.value(producer.inputs[input]).constant;
        const auto values = constant ? known_of(*constant) : std::nullopt;
        return values && values->size() == 1 ? std::optional((*values)[0]) : std::nullopt;
      };
      if (const auto low = limit(1))
        bounds.min = std::clamp(*low->constant(), bounds.min, bounds.max);
      if (const auto high = limit(2))
        bounds.max = std::clamp(*high->constant(), bounds.min, bounds.max);
      return bounds;
    }
    const bool selects =
        producer.op == "ReduceMax" || producer.op == "ReduceMin" || producer.op == "Gather";
    if (!selects && !passes_on(producer.op)) return bounds;
    id = producer.inputs[0];
  }
  return bounds;
}

Result<Dims> Inference::elements_of(ValueId id, int depth) {
  Value& value = graph_.value(id);
  if (value.known) return *value.known;
  if (value.constant) {
    if (auto contents = known_of(*value.constant)) return *contents;
  }
  const auto total = small_count(value.type.shape);
  if (!total || *total > kMaxSymbolsPerValue) {
    return undecided(id, "the extents in " + graph_.describe(id) +
                             " are neither known nor few enough to be decided by data");
  }
  if (value.producer != kNoNode && depth < kMaxTrace) {
    const Node& producer = graph_.node(value.producer);
    const bool joins = producer.op == "Concat" && value.type.shape.size() == 1;
    if (joins || passes_on(producer.op)) {
      const std::span<const ValueId> parts(producer.inputs.data(),
                                           joins ? producer.inputs.size() : 1);
      const bool integers = std::ranges::all_of(
          parts, [&](ValueId part) { return is_integer(graph_.value(part).type.format); });
      Dims joined;
      for (const ValueId part : integers ? parts : std::span<const ValueId>()) {
        const Dims contents = TENWATT_TRY(elements_of(part, depth + 1));
        joined.insert(joined.end(), contents.begin(), contents.end());
      }
      if (static_cast<int64_t>(joined.size()) == *total) {
        value.known = joined;
        return joined;
      }
    }
  }
  if (!is_integer(value.type.format))
    return wrong(graph_.describe(id) + " decides an extent but holds no integers");
  if (graph_.one_run)
    return undecided(id, "the extents in " + graph_.describe(id) + " are decided by data");
  Dims made;
  for (int64_t i = 0; i < *total; ++i)
    made.push_back(symbols_.at(id, Symbol::Source::Kind::kElement, i, data_bounds(id)));
  value.known = made;
  return made;
}

Result<Dims> Inference::elements(size_t input) { return elements_of(node_.inputs[input], 0); }

Result<std::vector<int64_t>> Inference::numbers(size_t input, std::string_view attribute) {
  if (!has(input)) return node_.integers(attribute);
  const auto contents = known(input);
  const auto values = contents ? numbers_of(*contents) : std::nullopt;
  if (!values) {
    return undecided(node_.inputs[input], "its " + std::string(attribute) + " (" +
                                              graph_.describe(node_.inputs[input]) +
                                              ") must be known before the run");
  }
  return *values;
}

Result<int64_t> Inference::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) {
    return wrong("axis " + std::to_string(axis) + " does not exist; " + shapes());
  }
  return axis < 0 ? axis + rank : axis;
}

void Inference::set(size_t output, Format format, Dims shape, std::optional<Dims> known) {
  if (output >= outputs() || node_.outputs[output] == kNoValue) return;
  const ValueId id = node_.outputs[output];
  const auto total = small_count(shape);
  Value& value = graph_.value(id);
  value.type = Type{format, std::move(shape), std::nullopt};
  value.known.reset();
  if (!total) return;
  if (known && static_cast<int64_t>(known->size()) == *total) {
    value.known = std::move(known);
    return;
  }
  // Symbols that an earlier inference read here.
  if (!is_integer(format) || *total > kMaxSymbolsPerValue) return;
  Dims found;
  for (int64_t i = 0; i < *total; ++i)
    if (const auto symbol = symbols_.find(id, Symbol::Source::Kind::kElement, i))
      found.push_back(*symbol);
  if (!found.empty() && static_cast<int64_t>(found.size()) == *total) value.known = found;
}

void Inference::set_like(size_t output, size_t input, std::optional<Dims> known) {
  set(output, format(input), shape(input), std::move(known));
  if (output < outputs() && node_.outputs[output] != kNoValue)
    graph_.value(node_.outputs[output]).type.affine = in(input).type.affine;
}

std::optional<bool> Inference::at_most(const Dim& a, const Dim& b) const {
  const Range difference = range(b - a);
  if (difference.min >= 0) return true;
  if (difference.max < 0) return false;
  return std::nullopt;
}

std::optional<bool> Inference::equal(const Dim& a, const Dim& b) const {
  if (a == b) return true;
  const Range difference = range(a - b);
  if (difference.min > 0 || difference.max < 0) return false;
  if (difference.min == 0 && difference.max == 0) return true;
  return std::nullopt;
}

std::optional<Dim> Inference::min(const Dim& a, const Dim& b) const {
  if (const auto less = at_most(a, b); less && *less) return a;
  if (const auto more = at_most(b, a); more && *more) return b;
  return std::nullopt;
}

std::optional<Dim> Inference::max(const Dim& a, const Dim& b) const {
  const auto low = min(a, b);
  if (!low) return std::nullopt;
  return *low == a ? b : a;
}

Result<Dim> Inference::same(const Dim& a, const Dim& b, std::string_view what) {
  const auto decided = equal(a, b);
  if (decided && !*decided) {
    const auto names = graph_.symbol_names();
    return wrong(std::string(what) + " differ (" + a.to_string(names) + " and " +
                 b.to_string(names) + "); " + shapes());
  }
  if (!decided) assume(a, b);
  return b.is_constant() ? b : a;
}

void Inference::assume(const Dim& a, const Dim& b) {
  const auto& all = graph_.assumptions;
  const bool repeated = !all.empty() && all.back().a == a && all.back().b == b;
  if (!repeated) graph_.assumptions.push_back({a, b, where()});
}

Result<Dims> Inference::broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  const size_t lead = longer.size() - shorter.size();
  Dims out = longer;
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim& left = out[lead + i];
    const Dim& right = shorter[i];
    if (left == Dim(1)) {
      left = right;
    } else if (right != Dim(1)) {
      left = TENWATT_TRY(same(left, right, "extents that should broadcast"));
    }
  }
  return out;
}

Dim Inference::count(const Dims& shape) const {
  Dim total(1);
  for (const Dim& dim : shape) total = total * dim;
  return total;
}

Dim Inference::symbol_extent(size_t output, size_t axis, int64_t bound) {
  return symbols_.at(node_.outputs[output], Symbol::Source::Kind::kExtent,
                     static_cast<int64_t>(axis), {0, std::max<int64_t>(bound, 0)});
}

Dim Inference::extent_or_symbol(std::optional<Dim> extent, size_t output, size_t axis,
                                int64_t bound) {
  if (extent) {
    const Range possible = range(*extent);
    if (possible.min >= 0) return *extent;
    if (possible.max <= 0) return Dim(0);
    bound = std::min(bound, possible.max);
  }
  return symbol_extent(output, axis, bound);
}

std::string Inference::where() const { return node_.op + " '" + node_.name + "'"; }

std::string Inference::shapes() const {
  std::string out = "inputs are";
  for (size_t i = 0; i < inputs(); ++i)
    out += (i == 0 ? " " : ", ") + graph_.describe(node_.inputs[i]);
  return out;
}

std::unexpected<Error> Inference::wrong(std::string message) const {
  return fail(ErrorCode::kInvalidArgument, where() + ": " + message);
}

std::unexpected<Error> Inference::undecided(ValueId value, std::string message) {
  graph_.undecided = value;
  return wrong(std::move(message));
}

std::optional<int64_t> small_count(const Dims& shape) {
  int64_t total = 1;
  for (const Dim& dim : shape) {
    const auto extent = dim.constant();
    if (!extent || *extent < 0 || *extent > kMaxKnown) return std::nullopt;
    total *= *extent;
    if (total > kMaxKnown) return std::nullopt;
  }
  return total;
}

std::optional<Shape> numbers_of(const Dims& dims) {
  Shape out;
  for (const Dim& dim : dims) {
    const auto number = dim.constant();
    if (!number) return std::nullopt;
    out.push_back(*number);
  }
  return out;
}

std::optional<Dims> known_of(const Tensor& tensor) {
  if (tensor.count() > kMaxKnown) return std::nullopt;
  switch (tensor.format()) {
    case Format::kI64:
      // The lowest number has no negative, so expressions leave it out.
      if (std::ranges::find(tensor.values<int64_t>(), std::numeric_limits<int64_t>::min()) !=
          tensor.values<int64_t>().end())
        return std::nullopt;
      return whole_numbers<int64_t>(tensor);
    case Format::kI32:
      return whole_numbers<int32_t>(tensor);
    case Format::kU8:
      return whole_numbers<uint8_t>(tensor);
    case Format::kI8:
      return whole_numbers<int8_t>(tensor);
    case Format::kBool: {
      Dims out;
      for (const uint8_t value : tensor.values<uint8_t>()) out.push_back(Dim(value != 0 ? 1 : 0));
      return out;
    }
    case Format::kF32: {
      if (tensor.count() != 1) return std::nullopt;
      const float value = tensor.values<float>()[0];
      if (!(std::abs(value) < static_cast<float>(kExactFloat)) || value != std::floor(value))
        return std::nullopt;
      return Dims{Dim(static_cast<int64_t>(value))};
    }
    default:
      return std::nullopt;
  }
}

std::vector<int64_t> strides_of(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::optional<Dims> known_strided(const Dims& known, const Shape& extents,
                                  const std::vector<int64_t>& strides, int64_t offset) {
  const int64_t total = elements(extents);
  Dims out;
  for (int64_t i = 0; i < total; ++i) {
    int64_t from = offset;
    int64_t rest = i;
    for (size_t axis = extents.size(); axis-- > 0;) {
      from += rest % extents[axis] * strides[axis];
      rest /= extents[axis];
    }
    if (from < 0 || from >= static_cast<int64_t>(known.size())) return std::nullopt;
    out.push_back(known[static_cast<size_t>(from)]);
  }
  return out;
}

std::optional<Dims> known_broadcast(const Dims& known, const Dims& from, const Dims& to) {
  const auto source = numbers_of(from);
  const auto target = numbers_of(to);
  if (!source || !target || !small_count(to) || source->size() > target->size())
    return std::nullopt;
  const std::vector<int64_t> packed = strides_of(*source);
  std::vector<int64_t> strides(target->size(), 0);
  const size_t lead = target->size() - source->size();
  for (size_t i = 0; i < source->size(); ++i)
    if ((*source)[i] != 1) strides[lead + i] = packed[i];
  return known_strided(known, *target, strides, 0);
}

Result<Format> format_attribute(const Node& node, std::string_view key, Format fallback) {
  if (!node.attribute(key)) return fallback;
  if (const std::string name = node.text(key, ""); !name.empty()) {
    if (const auto format = format_by_name(name)) return *format;
    return fail(ErrorCode::kUnsupported, "there is no number format '" + name + "'");
  }
  return format_of_onnx(node.integer(key, 0));
}

}  // namespace tenwatt::graph
