// What a dimension tells of itself: its value, its symbols, its text, and what it is with a symbol
// replaced. Its arithmetic is in polynomial.cc, dim_division.cc and dim_range.cc.
#include "graph/ir/dim.h"

#include <algorithm>

#include "graph/ir/polynomial.h"

namespace tenwatt::graph {

Result<int64_t> Polynomial::power(int64_t base, int32_t exponent) {
  int64_t out = 1;
  for (int32_t i = 0; i < exponent; ++i)
    if (__builtin_mul_overflow(out, base, &out)) return overflow();
  return out;
}

std::unexpected<Error> Polynomial::overflow() {
  return fail(ErrorCode::kOutOfRange, "a dimension does not fit in 64 bits");
}

Result<int64_t> Polynomial::evaluate(const Atom& atom, const Bindings& bindings) {
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

std::string Polynomial::to_string(const Atom& atom, std::span<const std::string> names) {
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

Dim::Dim(std::shared_ptr<const Polynomial> polynomial) : polynomial_(std::move(polynomial)) {}

Dim::Dim(int64_t constant) { *this = Polynomial::make_term({}, constant); }

Dim Dim::symbol(SymbolId id) { return Polynomial::of_atom({id, nullptr}); }

Dim operator+(const Dim& a, const Dim& b) { return Polynomial::sum(a, b); }
Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }
Dim operator*(const Dim& a, const Dim& b) { return Polynomial::product(a, b); }
bool operator==(const Dim& a, const Dim& b) { return Polynomial::compare(a, b) == 0; }

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
  __int128 total = 0;
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
