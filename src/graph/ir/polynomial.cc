// Making, comparing, adding and multiplying polynomials.
#include "graph/ir/polynomial.h"

namespace tenwatt::graph {
namespace {

constexpr int32_t kMaxDegree = 16;

}  // namespace

Dim Polynomial::make_undefined() {
  static const auto instance = [] {
    auto polynomial = std::make_shared<Polynomial>();
    polynomial->undefined = true;
    return polynomial;
  }();
  return Dim(instance);
}

Dim Polynomial::make(std::vector<Term> terms) {
  if (terms.empty()) return {};
  if (terms.size() > kMaxTerms) return make_undefined();
  auto polynomial = std::make_shared<Polynomial>();
  polynomial->terms = std::move(terms);
  return Dim(std::move(polynomial));
}

Dim Polynomial::make_term(Monomial monomial, int64_t coefficient) {
  if (coefficient == 0) return {};
  if (coefficient == kLowest) return make_undefined();  // has no negative
  return make({Term{std::move(monomial), coefficient}});
}

Dim Polynomial::of_atom(Atom atom) { return make_term({Factor{std::move(atom), 1}}, 1); }

std::strong_ordering Polynomial::compare(const Atom& a, const Atom& b) {
  if (a.division == b.division) return a.symbol <=> b.symbol;
  if (!a.division || !b.division)
    return a.division ? std::strong_ordering::greater : std::strong_ordering::less;
  const auto order = compare(a.division->numerator, b.division->numerator);
  return order != 0 ? order : compare(a.division->denominator, b.division->denominator);
}

int64_t Polynomial::degree(const Monomial& monomial) {
  int64_t sum = 0;
  for (const Factor& factor : monomial) sum += factor.power;
  return sum;
}

std::strong_ordering Polynomial::compare(const Monomial& a, const Monomial& b) {
  if (const auto order = degree(a) <=> degree(b); order != 0) return order;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const auto atoms = compare(a[i].atom, b[i].atom);
    if (atoms != 0) return atoms < 0 ? std::strong_ordering::greater : std::strong_ordering::less;
    if (a[i].power != b[i].power) return a[i].power <=> b[i].power;
  }
  return a.size() <=> b.size();
}

std::strong_ordering Polynomial::compare(const Dim& a, const Dim& b) {
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

Polynomial::Monomial Polynomial::multiply(const Monomial& a, const Monomial& b) {
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

std::optional<Polynomial::Monomial> Polynomial::divide(const Monomial& a, const Monomial& b) {
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

Polynomial::Monomial Polynomial::common(const Monomial& a, const Monomial& b) {
  Monomial out;
  for (const Factor& factor : a) {
    for (const Factor& other : b) {
      if (compare(factor.atom, other.atom) == 0)
        out.push_back({factor.atom, std::min(factor.power, other.power)});
    }
  }
  return out;
}

Dim Polynomial::sum(const Dim& a, const Dim& b) {
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

Dim Polynomial::product(const Dim& a, const Term& b) {
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

Dim Polynomial::product(const Dim& a, const Dim& b) {
  if (is_undefined(a) || is_undefined(b)) return make_undefined();
  if (terms_of(a).size() * terms_of(b).size() > kMaxTerms) return make_undefined();
  Dim out;
  for (const Term& term : terms_of(b)) out = sum(out, product(a, term));
  return out;
}

}  // namespace tenwatt::graph
