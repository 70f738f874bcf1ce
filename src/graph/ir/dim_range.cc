// Bounds of dimensions, by interval arithmetic made tighter where it is easy.
#include <algorithm>

#include "graph/ir/polynomial.h"

namespace tenwatt::graph {
namespace {

// Bounds are computed in 128 bits and clamped to the 64-bit extremes, which read as "unbounded".
using Wide = __int128;

int64_t clamped(Wide value) {
  if (value > kHighest) return kHighest;
  if (value < kLowest) return kLowest;
  return static_cast<int64_t>(value);
}

constexpr Range kUnbounded{kLowest, kHighest};

Range add(Range a, Range b) {
  const int64_t low = a.min == kLowest || b.min == kLowest ? kLowest : clamped(Wide{a.min} + b.min);
  const int64_t high =
      a.max == kHighest || b.max == kHighest ? kHighest : clamped(Wide{a.max} + b.max);
  return {low, high};
}

Range multiply(Range a, Range b) {
  const Wide products[] = {Wide{a.min} * b.min, Wide{a.min} * b.max, Wide{a.max} * b.min,
                           Wide{a.max} * b.max};
  const auto [low, high] = std::minmax_element(std::begin(products), std::end(products));
  return {clamped(*low), clamped(*high)};
}

Range divide(Range a, Range b) {
  if (b.min <= 0 && b.max >= 0) {
    // A denominator is never zero when the expression is evaluated; extents are not negative.
    if (b.min < 0 || b.max == 0) return kUnbounded;
    b.min = 1;
  }
  const auto quotient = [](int64_t n, int64_t d) {
    if (n == kLowest || n == kHighest) return (n > 0) == (d > 0) ? kHighest : kLowest;
    return floor_of(n, d);
  };
  const int64_t quotients[] = {quotient(a.min, b.min), quotient(a.min, b.max),
                               quotient(a.max, b.min), quotient(a.max, b.max)};
  const auto [low, high] = std::minmax_element(std::begin(quotients), std::end(quotients));
  return {*low, *high};
}

Range intersect(Range a, Range b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

}  // namespace

Range Polynomial::range(const Atom& atom, std::span<const Range> ranges) {
  if (!atom.division) {
    const auto index = static_cast<size_t>(atom.symbol);
    return index < ranges.size() ? ranges[index] : kUnbounded;
  }
  return graph::divide(atom.division->numerator.range(ranges),
                       atom.division->denominator.range(ranges));
}

Range Polynomial::interval(const Dim& dim, std::span<const Range> ranges) {
  Range total;
  for (const Term& term : terms_of(dim)) {
    Range value{term.coefficient, term.coefficient};
    for (const Factor& factor : term.monomial) {
      const Range base = range(factor.atom, ranges);
      Range raised{1, 1};
      for (int32_t i = 0; i < factor.power; ++i) raised = graph::multiply(raised, base);
      if (factor.power % 2 == 0) raised.min = std::max<int64_t>(raised.min, 0);
      value = graph::multiply(value, raised);
    }
    total = graph::add(total, value);
  }
  return total;
}

std::optional<Range> Polynomial::shifted_interval(const Dim& dim, std::span<const Range> ranges) {
  std::vector<Range> from_zero(ranges.begin(), ranges.end());
  Dim shifted = dim;
  bool nonlinear = false;
  for (const Term& term : terms_of(dim)) nonlinear |= degree(term.monomial) > 1;
  if (!nonlinear) return std::nullopt;
  for (const SymbolId id : dim.symbols()) {
    const auto index = static_cast<size_t>(id);
    if (index >= ranges.size()) return std::nullopt;
    const Range bounds = ranges[index];
    int64_t span = 0;
    if (__builtin_sub_overflow(bounds.max, bounds.min, &span)) return std::nullopt;
    from_zero[index] = {0, span};
    shifted = shifted.substituted(id, Dim::symbol(id) + bounds.min);
  }
  if (is_undefined(shifted)) return std::nullopt;
  return interval(shifted, from_zero);
}

Range Polynomial::relaxed(const Dim& dim, std::span<const Range> ranges, int budget) {
  for (const Term& term : terms_of(dim)) {
    if (term.monomial.size() != 1 || term.monomial[0].power != 1) continue;
    const auto& division = term.monomial[0].atom.division;
    if (!division) continue;
    const auto divisor = division->denominator.constant();
    if (!divisor || *divisor <= 0) continue;
    const Dim rest = (dim - make_term(term.monomial, term.coefficient)) * *divisor;
    const Dim upper = rest + division->numerator * term.coefficient;
    const Dim lower = upper - Dim(*divisor - 1) * term.coefficient;
    const bool rising = term.coefficient > 0;
    const Range low = bounded(rising ? lower : upper, ranges, budget - 1);
    const Range high = bounded(rising ? upper : lower, ranges, budget - 1);
    return {low.min == kLowest ? kLowest : -floor_of(-low.min, *divisor),
            high.max == kHighest ? kHighest : floor_of(high.max, *divisor)};
  }
  return kUnbounded;
}

Range Polynomial::bounded(const Dim& dim, std::span<const Range> ranges, int budget) {
  if (is_undefined(dim)) return kUnbounded;
  Range out = interval(dim, ranges);
  if (terms_of(dim).size() < 2 || budget <= 0) return out;
  if (const auto exact = shifted_interval(dim, ranges)) out = intersect(out, *exact);
  return intersect(out, relaxed(dim, ranges, budget));
}

Range Dim::range(std::span<const Range> ranges) const {
  constexpr int kRelaxations = 4;
  return Polynomial::bounded(*this, ranges, kRelaxations);
}

}  // namespace tenwatt::graph
