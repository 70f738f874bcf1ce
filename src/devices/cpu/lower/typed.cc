#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {

std::optional<Element> element_of(Format format) {
  switch (format) {
    case Format::kF32:
      return Element::kF32;
    case Format::kF64:
      return Element::kF64;
    case Format::kI8:
      return Element::kI8;
    case Format::kU8:
      return Element::kU8;
    case Format::kI16:
      return Element::kI16;
    case Format::kU16:
      return Element::kU16;
    case Format::kI32:
      return Element::kI32;
    case Format::kU32:
      return Element::kU32;
    case Format::kI64:
      return Element::kI64;
    case Format::kU64:
      return Element::kU64;
    case Format::kBool:
      return Element::kBool;
    default:
      return std::nullopt;
  }
}

void multiply(const KernelTable& kernels, const Product& p, float* scratch) {
  const bool rows = p.type == Element::kF32 && p.a_column == 1;
  const bool transposed = p.b_row == 1 && p.b_column != 1;
  if (!rows || (transposed ? scratch == nullptr : p.b_column != 1)) return kernels.product(p);
  kernels.matmul({static_cast<const float*>(p.a), p.a_row, static_cast<const float*>(p.b),
                  transposed ? p.b_column : p.b_row, static_cast<float*>(p.c), p.c_row, p.m, p.n,
                  p.k, transposed ? MatmulB::kTransposed : MatmulB::kPlain, scratch});
}

void add_to_all(const KernelTable& kernels, Element type, const std::byte* x, std::byte* y,
                int64_t n) {
  if (type == Element::kF32) {
    auto* to = reinterpret_cast<float*>(y);
    return kernels.binary(Binary::kAdd, to, reinterpret_cast<const float*>(x), to, n, Spread::kB);
  }
  kernels.binary_any(Binary::kAdd, type, {y, 1}, {x, 0}, y, n);
}

}  // namespace tenwatt::cpu
