// Dimensions as expressions over bounded symbols: a polynomial with integer coefficients over
// symbols and floor divisions, kept in one canonical form so that equal expressions compare equal.
//
// Example: a convolution of stride 2 over `T` samples has (T + 1) / 2 rows; Piper's relative
// attention reshapes through T * (2 * T - 1).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tenwatt::graph {

/// Index of a symbol in its graph's table.
using SymbolId = int32_t;

/// The value of each symbol, by SymbolId; nullopt where it is not known yet.
using Bindings = std::vector<std::optional<int64_t>>;

/// Inclusive bounds.
struct Range {
  int64_t min = 0;
  int64_t max = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

struct Polynomial;  // graph/ir/polynomial.h

class Dim {
 public:
  Dim() = default;
  Dim(int64_t constant);  // NOLINT(google-explicit-constructor): a number is a dimension
  static Dim symbol(SymbolId id);
  /// floor(numerator / denominator), simplified where the division is exact.
  static Dim floor_div(const Dim& numerator, const Dim& denominator);
  static Dim ceil_div(const Dim& numerator, const Dim& denominator);

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);

  bool is_constant() const;
  std::optional<int64_t> constant() const;
  /// The symbols that occur, ascending, each once.
  std::vector<SymbolId> symbols() const;
  bool mentions(SymbolId id) const;

  /// The value under bindings; an error names a symbol that has none, or says that it overflows.
  Result<int64_t> evaluate(const Bindings& bindings) const;
  /// Bounds by interval arithmetic; `ranges` by SymbolId.
  Range range(std::span<const Range> ranges) const;
  /// With `id` replaced by an expression.
  Dim substituted(SymbolId id, const Dim& replacement) const;
  /// If this is a*s + b with constants a and b: {a, b}.
  std::optional<std::pair<int64_t, int64_t>> affine_in(SymbolId id) const;

  /// "2*tokens+1"; `names` by SymbolId.
  std::string to_string(std::span<const std::string> names) const;

 private:
  friend struct Polynomial;
  explicit Dim(std::shared_ptr<const Polynomial> polynomial);
  std::shared_ptr<const Polynomial> polynomial_;  // null is zero
};

using Dims = std::vector<Dim>;

}  // namespace tenwatt::graph
