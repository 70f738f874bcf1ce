// Random operators, made deterministic: element i of a node's result depends only on the seed, the
// node's name and i, so every device and every run can produce the same numbers.
#include <bit>
#include <cmath>
#include <numbers>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a bijective mix of 64 bits.
uint64_t mix(uint64_t bits) {
  bits += 0x9e3779b97f4a7c15;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

/// FNV-1a of a name.
uint64_t hash(std::string_view name) {
  uint64_t bits = 0xcbf29ce484222325;
  for (char letter : name) bits = (bits ^ static_cast<uint8_t>(letter)) * 0x100000001b3;
  return bits;
}

/// Uniform in (0, 1).
double uniform(uint64_t bits) { return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53; }

/// Standard normal number `index` of a stream (Box and Muller 1958).
double normal(uint64_t stream, uint64_t index) {
  double radius = std::sqrt(-2 * std::log(uniform(mix(stream ^ mix(2 * index)))));
  return radius * std::cos(2 * std::numbers::pi * uniform(mix(stream ^ mix(2 * index + 1))));
}

Outputs random_normal_like(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& like = *TENWATT_TRY(need(inputs, 0, "input"));
  Format format = TENWATT_TRY(format_attribute(node, "dtype", like.format()));
  uint64_t seed = node.attribute("seed") == nullptr
                      ? context.seed
                      : static_cast<uint64_t>(std::bit_cast<uint32_t>(node.real("seed", 0)));
  uint64_t stream = mix(seed ^ hash(node.name));
  double mean = node.real("mean", 0);
  double scale = node.real("scale", 1);
  Tensor result = TENWATT_TRY(Tensor::create(format, like.shape()));
  TENWATT_TRY(with_float(format, "output", [&]<class T>() -> Status {
    std::span<T> to = result.mutable_values<T>();
    for (size_t i = 0; i < to.size(); ++i) to[i] = narrow<T>(mean + scale * normal(stream, i));
    return {};
  }));
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> random_kernels() {
  static constexpr Entry kEntries[] = {{"RandomNormalLike", random_normal_like}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
