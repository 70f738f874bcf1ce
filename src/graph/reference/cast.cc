// Conversions between number formats. Floats that go to integers are truncated; what does not fit
// takes the nearest value that does (ONNX leaves it undefined), and NaN becomes 0.
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

template <class From, class To>
To convert(From from) {
  if constexpr (std::is_same_v<To, Truth>) {
    return Truth(Work<From>(from) != 0);
  } else if constexpr (kIsFloat<From>) {
    return saturated<To>(static_cast<double>(from));
  } else if constexpr (kIsSmallFloat<To>) {
    return To(static_cast<float>(Work<From>(from)));
  } else {
    return static_cast<To>(Work<From>(from));
  }
}

Result<Tensor> cast_to(const Tensor& x, Format format) {
  if (format == x.format()) return x;
  if (is_block(format)) return wrong_format("the target of a cast", format);
  if (is_block(x.format())) return cast_to(TENWATT_TRY(x.to_f32()), format);
  Tensor result = TENWATT_TRY(Tensor::create(format, x.shape()));
  TENWATT_TRY(with_scalar(x.format(), "input", [&]<class From>() -> Status {
    return with_scalar(format, "output", [&]<class To>() -> Status {
      std::ranges::transform(x.values<From>(), result.mutable_values<To>().begin(),
                             convert<From, To>);
      return {};
    });
  }));
  return result;
}

Outputs cast(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "input"));
  if (node.attribute("to") == nullptr) return invalid("attribute 'to' is missing");
  Format format = TENWATT_TRY(format_attribute(node, "to", Format::kF32));
  return one(TENWATT_TRY(cast_to(x, format)));
}

Outputs cast_like(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "input"));
  const Tensor& like = *TENWATT_TRY(need(inputs, 1, "target_type"));
  return one(TENWATT_TRY(cast_to(x, like.format())));
}

}  // namespace

std::span<const Entry> cast_kernels() {
  static constexpr Entry kEntries[] = {
      {"Cast", cast},
      {"CastLike", cast_like},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
