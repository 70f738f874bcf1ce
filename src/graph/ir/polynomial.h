// The inside of a dimension: a polynomial over atoms (symbols and floor divisions), kept as a list
// of terms sorted by a graded lexicographic monomial order, leading term first. Only for dim.h's
// implementation.
//
// Two expressions are equal if their term lists are. Expressions that leave 64 bits, divide by
// zero or grow beyond kMaxTerms become "undefined", which spreads through every operation and is
// reported by evaluate.
#pragma once

#include <limits>

#include "graph/ir/dim.h"

namespace tenwatt::graph {

inline constexpr size_t kMaxTerms = 256;
inline constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

/// a / b, rounded down.
inline int64_t floor_of(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

struct Polynomial {
  struct Division {
    Dim numerator;
    Dim denominator;
    int64_t weight = 1;
  };

  struct Atom {
    SymbolId symbol = -1;
    std::shared_ptr<const Division> division;  // set if this is not a symbol
  };

  struct Factor {
    Atom atom;
    int32_t power = 1;
  };
  using Monomial = std::vector<Factor>;  // atoms ascending
  struct Term {
    Monomial monomial;
    int64_t coefficient = 0;
  };
  std::vector<Term> terms;  // descending, no zero coefficients
  bool undefined = false;

  // Making, comparing, adding and multiplying (polynomial.cc).
  static const std::vector<Term>& terms_of(const Dim& dim) {
    static const std::vector<Term> none;
    return dim.polynomial_ ? dim.polynomial_->terms : none;
  }
  static bool is_undefined(const Dim& dim) { return dim.polynomial_ && dim.polynomial_->undefined; }
  static Dim make_undefined();
  static Dim make(std::vector<Term> terms);
  static Dim make_term(Monomial monomial, int64_t coefficient);
  static Dim of_atom(Atom atom);
  static std::strong_ordering compare(const Atom& a, const Atom& b);
  static int64_t degree(const Monomial& monomial);
  // Graded lexicographic: a monomial order, so leading terms multiply to leading terms.
  static std::strong_ordering compare(const Monomial& a, const Monomial& b);
  static std::strong_ordering compare(const Dim& a, const Dim& b);
  static Monomial multiply(const Monomial& a, const Monomial& b);
  /// a / b, if b divides a.
  static std::optional<Monomial> divide(const Monomial& a, const Monomial& b);
  static Monomial common(const Monomial& a, const Monomial& b);
  static Dim sum(const Dim& a, const Dim& b);
  static Dim product(const Dim& a, const Term& b);
  static Dim product(const Dim& a, const Dim& b);

  // Floor divisions (dim_division.cc).
  static int64_t weight(const Dim& dim);
  static Dim make_division(const Dim& numerator, const Dim& denominator);
  /// floor(numerator / divisor) for divisor > 1.
  static Dim divide_by_number(const Dim& numerator, int64_t divisor);
  /// floor(left / divisor) where nothing can be pulled out: merges a nested floor division,
  /// floor((floor(x / c) + p) / d) = floor((x + p c) / (c d)) for whole p.
  static Dim divide_remainder(const Dim& left, int64_t divisor);
  /// Divides out what numerator and denominator have in common in every term.
  static void cancel(Dim& numerator, Dim& denominator);
  /// Long division: numerator = denominator * quotient + remainder, where no term of the remainder
  /// is divisible by the denominator's leading term.
  static std::pair<Dim, Dim> long_division(Dim numerator, const Dim& denominator);

  // Bounds (dim_range.cc).
  static Range range(const Atom& atom, std::span<const Range> ranges);
  static Range interval(const Dim& dim, std::span<const Range> ranges);
  /// The same polynomial with every symbol counted from its lower bound, which makes the interval
  /// exact where all coefficients then have one sign.
  static std::optional<Range> shifted_interval(const Dim& dim, std::span<const Range> ranges);
  /// Replaces k floor(n / c) by what bounds it, k n / c or k (n - c + 1) / c, so that what n has in
  /// common with the other terms cancels.
  static Range relaxed(const Dim& dim, std::span<const Range> ranges, int budget);
  static Range bounded(const Dim& dim, std::span<const Range> ranges, int budget);

  // Values and texts (dim.cc).
  static Result<int64_t> power(int64_t base, int32_t exponent);
  static std::unexpected<Error> overflow();
  static Result<int64_t> evaluate(const Atom& atom, const Bindings& bindings);
  static std::string to_string(const Atom& atom, std::span<const std::string> names);
};

}  // namespace tenwatt::graph
