// Which files beside an ONNX model its tensors lie in, found without parsing it: the messages are
// walked by their lengths and raw data is stepped over, so that a large model costs a few pages.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>

namespace tenwatt::files {

/// The locations that tensors of a serialised ModelProto name, as they are written there, whether
/// or not a model may name them. What is no such message has none.
std::set<std::string> onnx_external_locations(std::span<const std::byte> model);

}  // namespace tenwatt::files
