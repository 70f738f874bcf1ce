// The arithmetic of dimensions: polynomials over atoms (symbols and floor divisions), kept as a
// list of terms sorted by a graded lexicographic monomial order, leading term first.
//
// Two expressions are equal if their term lists are. Expressions that leave 64 bits, divide by
// zero or grow beyond kMaxTerms become "undefined", which spreads through every operation and is
// reported by evaluate.
#include "graph/ir/dim.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace tenwatt::graph {
namespace {

constexpr size_t kMaxTerms = 256;
constexpr int32_t kMaxDegree = 16;
constexpr int64_t kMaxWeight = 1000;  // floor divisions inside one floor division, all in all
constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
constexpr int64_t kHighest = std::numeric_limits<int64_t>::max();

int64_t floor_of(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return quotient - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

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

struct Dim::Polynomial {
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

  static const std::vector<Term>& terms_of(const Dim& dim) {
    static const std::vector<Term> none;
    return dim.polynomial_ ? dim.polynomial_->terms : none;
  }
  static bool is_undefined(const Dim& dim) { return dim.polynomial_ && dim.polynomial_->undefined; }

  static Dim make_undefined() {
    static const auto instance = [] {
      auto polynomial = std::make_shared<Polynomial>();
      polynomial->undefined = true;
      return polynomial;
    }();
    return Dim(instance);
  }

  static Dim make(std::vector<Term> terms) {
    if (terms.empty()) return {};
    if (terms.size() > kMaxTerms) return make_undefined();
    auto polynomial = std::make_shared<Polynomial>();
    polynomial->terms = std::move(terms);
    return Dim(std::move(polynomial));
  }

  static Dim make_term(Monomial monomial, int64_t coefficient) {
    if (coefficient == 0) return {};
    if (coefficient == kLowest) return make_undefined();  // has no negative
    return make({Term{std::move(monomial), coefficient}});
  }

  static Dim of_atom(Atom atom) { return make_term({Factor{std::move(atom), 1}}, 1); }

  static std::strong_ordering compare(const Atom& a, const Atom& b) {
    if (a.division == b.division) return a.symbol <=> b.symbol;
    if (!a.division || !b.division)
      return a.division ? std::strong_ordering::greater : std::strong_ordering::less;
    const auto order = compare(a.division->numerator, b.division->numerator);
    return order != 0 ? order : compare(a.division->denominator, b.division->denominator);
  }

  static int64_t degree(const Monomial& monomial) {
    int64_t sum = 0;
    for (const Factor& factor : monomial) sum += factor.power;
    return sum;
  }

  // Graded lexicographic: a monomial order, so leading terms multiply to leading terms.
  static std::strong_ordering compare(const Monomial& a, const Monomial& b) {
    if (const auto order = degree(a) <=> degree(b); order != 0) return order;
    for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
      const auto atoms = compare(a[i].atom, b[i].atom);
      if (atoms != 0) return atoms < 0 ? std::strong_ordering::greater : std::strong_ordering::less;
      if (a[i].power != b[i].power) return a[i].power <=> b[i].power;
    }
    return a.size() <=> b.size();
  }

  static std::strong_ordering compare(const Dim& a, const Dim& b) {
    if (a.polynomial_ == b.polynomial_) return std::strong_ordering::equal;
    if (is_undefined(a) != is_undefined(b)) return is_undefined(a) <=> is_undefined(b);
    const auto& left = terms_of(a);
    const auto& right = terms_of(b);
    for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
      if (const auto order = compare(left[i].monomial, right[i].monomial); order != 0) return order;
      if (left[i].coefficient != right[i].coefficient)
        return left[i].coefficient <=> right[i].coefficient;
    }
    return left.size() <=> right.size();
  }

  static Monomial multiply(const Monomial& a, const Monomial& b) {
    Monomial out;
    out.reserve(a.size() + b.size());
    size_t i = 0;
    size_t j = 0;
    while (i < a.size() && j < b.size()) {
      const auto order = compare(a[i].atom, b[j].atom);
      if (order < 0) {
        out.push_back(a[i++]);
      } else if (order > 0) {
        out.push_back(b[j++]);
      } else {
        out.push_back({a[i].atom, a[i].power + b[j].power});
        ++i, ++j;
      }
    }
    out.insert(out.end(), a.begin() + static_cast<ptrdiff_t>(i), a.end());
    out.insert(out.end(), b.begin() + static_cast<ptrdiff_t>(j), b.end());
    return out;
  }

  /// a / b, if b divides a.
  static std::optional<Monomial> divide(const Monomial& a, const Monomial& b) {
    Monomial out;
    size_t j = 0;
    for (const Factor& factor : a) {
      int32_t power = factor.power;
      if (j < b.size() && compare(factor.atom, b[j].atom) == 0) power -= b[j++].power;
      if (power < 0) return std::nullopt;
      if (power > 0) out.push_back({factor.atom, power});
    }
    if (j < b.size()) return std::nullopt;
    return out;
  }

  static Monomial common(const Monomial& a, const Monomial& b) {
    Monomial out;
    for (const Factor& factor : a) {
      for (const Factor& other : b) {
        if (compare(factor.atom, other.atom) == 0)
          out.push_back({factor.atom, std::min(factor.power, other.power)});
      }
    }
    return out;
  }

  static Dim sum(const Dim& a, const Dim& b) {
    if (is_undefined(a) || is_undefined(b)) return make_undefined();
    if (!a.polynomial_) return b;
    if (!b.polynomial_) return a;
    const auto& left = terms_of(a);
    const auto& right = terms_of(b);
    std::vector<Term> out;
    out.reserve(left.size() + right.size());
    size_t i = 0;
    size_t j = 0;
    while (i < left.size() && j < right.size()) {
      const auto order = compare(left[i].monomial, right[j].monomial);
      if (order > 0) {
        out.push_back(left[i++]);
      } else if (order < 0) {
        out.push_back(right[j++]);
      } else {
        int64_t coefficient = 0;
        if (__builtin_add_overflow(left[i].coefficient, right[j].coefficient, &coefficient) ||
            coefficient == kLowest)
          return make_undefined();
        if (coefficient != 0) out.push_back({left[i].monomial, coefficient});
        ++i, ++j;
      }
    }
    out.insert(out.end(), left.begin() + static_cast<ptrdiff_t>(i), left.end());
    out.insert(out.end(), right.begin() + static_cast<ptrdiff_t>(j), right.end());
    return make(std::move(out));
  }

  static Dim product(const Dim& a, const Term& b) {
    std::vector<Term> out;
    for (const Term& term : terms_of(a)) {
      int64_t coefficient = 0;
      if (__builtin_mul_overflow(term.coefficient, b.coefficient, &coefficient) ||
          coefficient == kLowest)
        return make_undefined();
      Monomial monomial = multiply(term.monomial, b.monomial);
      if (degree(monomial) > kMaxDegree) return make_undefined();
      out.push_back({std::move(monomial), coefficient});
    }
    return make(std::move(out));
  }

  static Dim product(const Dim& a, const Dim& b) {
    if (is_undefined(a) || is_undefined(b)) return make_undefined();
    if (terms_of(a).size() * terms_of(b).size() > kMaxTerms) return make_undefined();
    Dim out;
    for (const Term& term : terms_of(b)) out = sum(out, product(a, term));
    return out;
  }

  static int64_t weight(const Dim& dim) {
    int64_t total = 0;
    for (const Term& term : terms_of(dim))
      for (const Factor& factor : term.monomial)
        if (factor.atom.division) total += factor.atom.division->weight;
    return total;
  }

  static Dim make_division(const Dim& numerator, const Dim& denominator) {
    if (!numerator.polynomial_) return {};
    const int64_t total = weight(numerator) + weight(denominator) + 1;
    if (total > kMaxWeight) return make_undefined();
    return of_atom(Atom{-1, std::make_shared<Division>(Division{numerator, denominator, total})});
  }

  /// floor(numerator / divisor) for divisor > 1.
  static Dim divide_by_number(const Dim& numerator, int64_t divisor) {
    std::vector<Term> whole;
    std::vector<Term> rest;
    int64_t shared = divisor;
    for (const Term& term : terms_of(numerator)) {
      const int64_t quotient = floor_of(term.coefficient, divisor);
      const int64_t remainder = term.coefficient - quotient * divisor;
      if (quotient != 0) whole.push_back({term.monomial, quotient});
      if (remainder == 0) continue;
      rest.push_back({term.monomial, remainder});
      if (!term.monomial.empty()) shared = std::gcd(shared, remainder);
    }
    // floor((g p + b) / (g c)) = floor((p + floor(b / g)) / c)
    std::vector<Term> reduced;
    for (const Term& term : rest) {
      const int64_t coefficient = term.coefficient / shared;
      if (coefficient != 0) reduced.push_back({term.monomial, coefficient});
    }
    const Dim left = make(std::move(reduced));
    const bool only_number = !left.polynomial_ || left.is_constant();
    if (only_number || divisor == shared) return make(std::move(whole));
    return sum(make(std::move(whole)), divide_remainder(left, divisor / shared));
  }

  /// floor(left / divisor) where nothing can be pulled out: merges a nested floor division,
  /// floor((floor(x / c) + p) / d) = floor((x + p c) / (c d)) for whole p.
  static Dim divide_remainder(const Dim& left, int64_t divisor) {
    const Term* nested = nullptr;
    int count = 0;
    for (const Term& term : terms_of(left)) {
      if (term.coefficient != 1 || term.monomial.size() != 1 || term.monomial[0].power != 1)
        continue;
      const auto& division = term.monomial[0].atom.division;
      if (!division || !division->denominator.is_constant()) continue;
      nested = &term;
      ++count;
    }
    if (count != 1) return make_division(left, divisor);
    const Division& inner = *nested->monomial[0].atom.division;
    const int64_t scale = *inner.denominator.constant();
    int64_t merged = 0;
    if (__builtin_mul_overflow(scale, divisor, &merged)) return make_division(left, divisor);
    const Dim others = left - make_term(nested->monomial, 1);
    const Dim numerator = inner.numerator + others * scale;
    return is_undefined(numerator) ? make_division(left, divisor) : floor_div(numerator, merged);
  }

  /// Divides out what numerator and denominator have in common in every term.
  static void cancel(Dim& numerator, Dim& denominator) {
    Monomial monomial = terms_of(numerator)[0].monomial;
    int64_t content = 0;
    for (const Dim* dim : {&numerator, &denominator}) {
      for (const Term& term : terms_of(*dim)) {
        monomial = common(monomial, term.monomial);
        content = std::gcd(content, term.coefficient);
      }
    }
    if (terms_of(denominator)[0].coefficient < 0) content = -content;
    if (monomial.empty() && content == 1) return;
    for (Dim* dim : {&numerator, &denominator}) {
      std::vector<Term> out;
      for (const Term& term : terms_of(*dim))
        out.push_back({*divide(term.monomial, monomial), term.coefficient / content});
      *dim = make(std::move(out));
    }
  }

  /// Long division: numerator = denominator * quotient + remainder, where no term of the remainder
  /// is divisible by the denominator's leading term.
  static std::pair<Dim, Dim> long_division(Dim numerator, const Dim& denominator) {
    const Term& lead = terms_of(denominator)[0];
    Dim quotient;
    Dim remainder;
    for (size_t steps = 0; numerator.polynomial_ && !is_undefined(numerator); ++steps) {
      if (steps > 4 * kMaxTerms) return {make_undefined(), {}};
      const Term& term = terms_of(numerator)[0];
      const auto monomial = divide(term.monomial, lead.monomial);
      if (!monomial || term.coefficient % lead.coefficient != 0) {
        const Dim moved = make_term(term.monomial, term.coefficient);
        remainder = remainder + moved;
        numerator = numerator - moved;
        continue;
      }
      const Dim part = make_term(*monomial, term.coefficient / lead.coefficient);
      quotient = quotient + part;
      numerator = numerator - part * denominator;
    }
    if (is_undefined(numerator)) return {make_undefined(), {}};
    return {quotient, remainder};
  }

  static Result<int64_t> power(int64_t base, int32_t exponent) {
    int64_t out = 1;
    for (int32_t i = 0; i < exponent; ++i)
      if (__builtin_mul_overflow(out, base, &out)) return overflow();
    return out;
  }

  static std::unexpected<Error> overflow() {
    return fail(ErrorCode::kOutOfRange, "a dimension does not fit in 64 bits");
  }

  static Result<int64_t> evaluate(const Atom& atom, const Bindings& bindings) {
    if (!atom.division) {
      const auto index = static_cast<size_t>(atom.symbol);
      if (index < bindings.size() && bindings[index]) return *bindings[index];
      return fail(ErrorCode::kInvalidArgument,
                  "symbol " + std::to_string(atom.symbol) + " has no value yet");
    }
    const int64_t numerator = TENWATT_TRY(atom.division->numerator.evaluate(bindings));
    const int64_t denominator = TENWATT_TRY(atom.division->denominator.evaluate(bindings));
    if (denominator == 0) return fail(ErrorCode::kOutOfRange, "a dimension divides by zero");
    if (denominator == -1 && numerator == kLowest) return overflow();
    return floor_of(numerator, denominator);
  }

  static Range range(const Atom& atom, std::span<const Range> ranges) {
    if (!atom.division) {
      const auto index = static_cast<size_t>(atom.symbol);
      return index < ranges.size() ? ranges[index] : kUnbounded;
    }
    return graph::divide(atom.division->numerator.range(ranges),
                         atom.division->denominator.range(ranges));
  }

  static Range interval(const Dim& dim, std::span<const Range> ranges) {
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

  /// The same polynomial with every symbol counted from its lower bound, which makes the interval
  /// exact where all coefficients then have one sign.
  static std::optional<Range> shifted_interval(const Dim& dim, std::span<const Range> ranges) {
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

  /// Replaces k floor(n / c) by what bounds it, k n / c or k (n - c + 1) / c, so that what n has in
  /// common with the other terms cancels.
  static Range relaxed(const Dim& dim, std::span<const Range> ranges, int budget) {
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

  static Range bounded(const Dim& dim, std::span<const Range> ranges, int budget) {
    if (is_undefined(dim)) return kUnbounded;
    Range out = interval(dim, ranges);
    if (terms_of(dim).size() < 2 || budget <= 0) return out;
    if (const auto exact = shifted_interval(dim, ranges)) out = intersect(out, *exact);
    return intersect(out, relaxed(dim, ranges, budget));
  }

  static std::string to_string(const Atom& atom, std::span<const std::string> names) {
    if (!atom.division) {
      const auto index = static_cast<size_t>(atom.symbol);
      return index < names.size() ? names[index] : "s" + std::to_string(atom.symbol);
    }
    const auto bracketed = [&](const Dim& dim) {
      const std::string text = dim.to_string(names);
      const bool single = terms_of(dim).size() == 1 && text.find_first_of("*/") == text.npos;
      return single ? text : "(" + text + ")";
    };
    return "floor(" + bracketed(atom.division->numerator) + "/" +
           bracketed(atom.division->denominator) + ")";
  }
};

Dim::Dim(std::shared_ptr<const Polynomial> polynomial) : polynomial_(std::move(polynomial)) {}

Dim::Dim(int64_t constant) { *this = Polynomial::make_term({}, constant); }

Dim Dim::symbol(SymbolId id) { return Polynomial::of_atom({id, nullptr}); }

Dim Dim::floor_div(const Dim& numerator, const Dim& denominator) {
  if (Polynomial::is_undefined(numerator) || Polynomial::is_undefined(denominator))
    return Polynomial::make_undefined();
  if (!denominator.polynomial_) return Polynomial::make_undefined();
  if (!numerator.polynomial_) return {};
  Dim above = numerator;
  Dim below = denominator;
  Polynomial::cancel(above, below);
  if (const auto number = below.constant())
    return *number == 1 ? above : Polynomial::divide_by_number(above, *number);
  const auto [quotient, remainder] = Polynomial::long_division(above, below);
  if (Polynomial::is_undefined(quotient)) return Polynomial::make_division(above, below);
  return quotient + Polynomial::make_division(remainder, below);
}

Dim Dim::ceil_div(const Dim& numerator, const Dim& denominator) {
  const auto number = denominator.constant();
  if (number && *number < 0) return ceil_div(Dim(0) - numerator, Dim(0) - denominator);
  return floor_div(numerator + denominator - 1, denominator);
}

Dim operator+(const Dim& a, const Dim& b) { return Dim::Polynomial::sum(a, b); }
Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }
Dim operator*(const Dim& a, const Dim& b) { return Dim::Polynomial::product(a, b); }
bool operator==(const Dim& a, const Dim& b) { return Dim::Polynomial::compare(a, b) == 0; }

bool Dim::is_constant() const { return constant().has_value(); }

std::optional<int64_t> Dim::constant() const {
  if (!polynomial_) return 0;
  if (polynomial_->undefined) return std::nullopt;
  const auto& term = polynomial_->terms[0];
  return term.monomial.empty() ? std::optional(term.coefficient) : std::nullopt;
}

std::vector<SymbolId> Dim::symbols() const {
  std::vector<SymbolId> out;
  for (const auto& term : Polynomial::terms_of(*this)) {
    for (const auto& factor : term.monomial) {
      if (!factor.atom.division) {
        out.push_back(factor.atom.symbol);
        continue;
      }
      for (const Dim* part : {&factor.atom.division->numerator, &factor.atom.division->denominator})
        for (const SymbolId id : part->symbols()) out.push_back(id);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Dim::mentions(SymbolId id) const {
  const std::vector<SymbolId> all = symbols();
  return std::binary_search(all.begin(), all.end(), id);
}

Result<int64_t> Dim::evaluate(const Bindings& bindings) const {
  if (Polynomial::is_undefined(*this)) {
    return fail(ErrorCode::kOutOfRange,
                "a dimension is undefined: it divides by zero or is too large to be computed");
  }
  // Terms may leave 64 bits where their sum does not.
  Wide total = 0;
  for (const auto& term : Polynomial::terms_of(*this)) {
    int64_t value = term.coefficient;
    for (const auto& factor : term.monomial) {
      const int64_t base = TENWATT_TRY(Polynomial::evaluate(factor.atom, bindings));
      const int64_t raised = TENWATT_TRY(Polynomial::power(base, factor.power));
      if (__builtin_mul_overflow(value, raised, &value)) return Polynomial::overflow();
    }
    total += value;
  }
  if (total > kHighest || total < kLowest) return Polynomial::overflow();
  return static_cast<int64_t>(total);
}

Range Dim::range(std::span<const Range> ranges) const {
  constexpr int kRelaxations = 4;
  return Polynomial::bounded(*this, ranges, kRelaxations);
}

Dim Dim::substituted(SymbolId id, const Dim& replacement) const {
  if (!mentions(id)) return *this;
  Dim out;
  for (const auto& term : Polynomial::terms_of(*this)) {
    Dim product(term.coefficient);
    for (const auto& factor : term.monomial) {
      const auto& division = factor.atom.division;
      Dim base = Polynomial::of_atom(factor.atom);
      if (division) {
        base = floor_div(division->numerator.substituted(id, replacement),
                         division->denominator.substituted(id, replacement));
      } else if (factor.atom.symbol == id) {
        base = replacement;
      }
      for (int32_t i = 0; i < factor.power; ++i) product = product * base;
    }
    out = out + product;
  }
  return out;
}

std::optional<std::pair<int64_t, int64_t>> Dim::affine_in(SymbolId id) const {
  std::pair<int64_t, int64_t> out{0, 0};
  if (Polynomial::is_undefined(*this)) return std::nullopt;
  for (const auto& term : Polynomial::terms_of(*this)) {
    if (term.monomial.empty()) {
      out.second = term.coefficient;
      continue;
    }
    const auto& factor = term.monomial[0];
    const bool is_symbol = !factor.atom.division && factor.atom.symbol == id;
    if (term.monomial.size() != 1 || factor.power != 1 || !is_symbol) return std::nullopt;
    out.first = term.coefficient;
  }
  return out;
}

std::string Dim::to_string(std::span<const std::string> names) const {
  if (!polynomial_) return "0";
  if (polynomial_->undefined) return "undefined";
  std::string out;
  for (const auto& term : polynomial_->terms) {
    if (term.coefficient > 0 && !out.empty()) out += "+";
    std::string product;
    for (const auto& factor : term.monomial) {
      for (int32_t i = 0; i < factor.power; ++i) {
        if (!product.empty()) product += "*";
        product += Polynomial::to_string(factor.atom, names);
      }
    }
    if (product.empty()) {
      out += std::to_string(term.coefficient);
    } else if (term.coefficient == 1) {
      out += product;
    } else if (term.coefficient == -1) {
      out += "-" + product;
    } else {
      out += std::to_string(term.coefficient) + "*" + product;
    }
  }
  return out;
}

}  // namespace tenwatt::graph
