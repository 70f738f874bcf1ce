// What the inference functions of operators share: access to a node's inputs, setting its outputs,
// comparing extents by their ranges, and the symbols of data-dependent extents. Internal to this
// folder.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::graph {

/// Contents are followed symbolically in tensors of at most this many elements.
inline constexpr int64_t kMaxKnown = 1024;
/// The bound of an extent that data decides, where nothing tighter is known.
inline constexpr int64_t kMaxDataExtent = int64_t{1} << 20;

/// The symbols of a graph while it is being inferred: their ranges, and which come from data.
class SymbolTable {
 public:
  explicit SymbolTable(Graph& graph);
  std::span<const Range> ranges() const { return ranges_; }
  /// The symbol that is read there, if there is one.
  std::optional<Dim> find(ValueId value, Symbol::Source::Kind kind, int64_t index) const;
  /// The symbol that is read there, made on first use.
  Dim at(ValueId value, Symbol::Source::Kind kind, int64_t index, Range bounds);

 private:
  using Key = std::tuple<ValueId, Symbol::Source::Kind, int64_t>;
  Graph& graph_;
  std::vector<Range> ranges_;
  std::map<Key, SymbolId> by_source_;
};

class Inference {
 public:
  Inference(Graph& graph, NodeId id, SymbolTable& symbols)
      : graph_(graph), node_(graph.node(id)), symbols_(symbols) {}

  Graph& graph() { return graph_; }
  const Node& node() const { return node_; }

  // Inputs. An index past the end is an absent input.
  size_t inputs() const { return node_.inputs.size(); }
  size_t outputs() const { return node_.outputs.size(); }
  bool has(size_t input) const { return input < inputs() && node_.inputs[input] != kNoValue; }
  const Value& in(size_t input) const { return graph_.value(node_.inputs[input]); }
  const Dims& shape(size_t input) const { return in(input).type.shape; }
  int64_t rank(size_t input) const { return static_cast<int64_t>(shape(input).size()); }
  Format format(size_t input) const { return in(input).type.format; }
  /// The contents as expressions, where they are known.
  std::optional<Dims> known(size_t input) const;
  /// The contents of an integer tensor that decides extents. Where they are not known, symbols
  /// with that value as their source stand for them from now on.
  Result<Dims> elements(size_t input);
  /// The contents as numbers, from an attribute or an input that must be known by now.
  Result<std::vector<int64_t>> numbers(size_t input, std::string_view attribute);
  Result<int64_t> axis(int64_t axis, int64_t rank) const;

  // Outputs.
  void set(size_t output, Format format, Dims shape, std::optional<Dims> known = std::nullopt);
  /// The type of an input; block formats and quantisation parameters come along.
  void set_like(size_t output, size_t input, std::optional<Dims> known = std::nullopt);

  // Comparing extents.
  Range range(const Dim& dim) const { return dim.range(symbols_.ranges()); }
  /// Whether a <= b for all values of the symbols; nullopt where it depends on them.
  std::optional<bool> at_most(const Dim& a, const Dim& b) const;
  std::optional<bool> equal(const Dim& a, const Dim& b) const;
  std::optional<Dim> min(const Dim& a, const Dim& b) const;
  std::optional<Dim> max(const Dim& a, const Dim& b) const;
  /// Requires a == b: an error if they never are, an assumption if that depends on the symbols.
  Result<Dim> same(const Dim& a, const Dim& b, std::string_view what);
  Result<Dims> broadcast(const Dims& a, const Dims& b);
  Dim count(const Dims& shape) const;
  /// `extent` if it can't be negative, else what it is at run time.
  Dim extent_or_symbol(std::optional<Dim> extent, size_t output, size_t axis, int64_t bound);
  /// An extent that the node itself decides.
  Dim symbol_extent(size_t output, size_t axis, int64_t bound);

  // Errors.
  /// "Conv 'encoder.0'".
  std::string where() const;
  /// The shapes of all inputs, for the end of an error message.
  std::string shapes() const;
  std::unexpected<Error> wrong(std::string message) const;
  /// As `wrong`, for want of a number that only a run has; the graph remembers which value.
  std::unexpected<Error> undecided(ValueId value, std::string message);

 private:
  Result<Dims> elements_of(ValueId id, int depth);
  void assume(const Dim& a, const Dim& b);
  Range data_bounds(ValueId id) const;

  Graph& graph_;
  const Node& node_;
  SymbolTable& symbols_;
};

/// The number of elements if every extent is a number and there are at most kMaxKnown.
std::optional<int64_t> small_count(const Dims& shape);
/// The extents as numbers, if they all are.
std::optional<Shape> numbers_of(const Dims& dims);
/// The contents of a small constant (integers, or one float that is a whole number).
std::optional<Dims> known_of(const Tensor& tensor);
/// Known contents moved to a broadcast shape; shapes must be numbers.
std::optional<Dims> known_broadcast(const Dims& known, const Dims& from, const Dims& to);
/// Known contents gathered: element i of the result is element index(i) of `known`.
std::optional<Dims> known_strided(const Dims& known, const Shape& extents,
                                  const std::vector<int64_t>& strides, int64_t offset);
/// Row-major strides.
std::vector<int64_t> strides_of(const Shape& shape);
/// ONNX's TensorProto.DataType number or our name of a format in attribute `key`.
Result<Format> format_attribute(const Node& node, std::string_view key, Format fallback);

}  // namespace tenwatt::graph
