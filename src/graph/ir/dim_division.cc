// Floor divisions of dimensions, simplified as far as they can be.
#include <numeric>

#include "graph/ir/polynomial.h"

namespace tenwatt::graph {
namespace {

constexpr int64_t kMaxWeight = 1000;  // floor divisions inside one floor division, all in all

}  // namespace

int64_t Polynomial::weight(const Dim& dim) {
  int64_t total = 0;
  for (const Term& term : terms_of(dim))
    for (const Factor& factor : term.monomial)
      if (factor.atom.division) total += factor.atom.division->weight;
  return total;
}

Dim Polynomial::make_division(const Dim& numerator, const Dim& denominator) {
  if (!numerator.polynomial_) return {};
  const int64_t total = weight(numerator) + weight(denominator) + 1;
  if (total > kMaxWeight) return make_undefined();
  return of_atom(Atom{-1, std::make_shared<Division>(Division{numerator, denominator, total})});
}

Dim Polynomial::divide_by_number(const Dim& numerator, int64_t divisor) {
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

Dim Polynomial::divide_remainder(const Dim& left, int64_t divisor) {
  const Term* nested = nullptr;
  int count = 0;
  for (const Term& term : terms_of(left)) {
    if (term.coefficient != 1 || term.monomial.size() != 1 || term.monomial[0].power != 1) continue;
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
  return is_undefined(numerator) ? make_division(left, divisor) : Dim::floor_div(numerator, merged);
}

void Polynomial::cancel(Dim& numerator, Dim& denominator) {
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

std::pair<Dim, Dim> Polynomial::long_division(Dim numerator, const Dim& denominator) {
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

}  // namespace tenwatt::graph
