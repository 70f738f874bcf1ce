// LSTM in the forms that the common one (lower/recurrent.cc) doesn't take.
#pragma once

#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// f32, any attributes and inputs of ONNX's LSTM.
Result<std::optional<Lowered>> lower_any_lstm(const LowerInput& input);

}  // namespace tenwatt::cpu
