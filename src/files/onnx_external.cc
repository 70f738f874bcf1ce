#include "files/onnx_external.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tenwatt::files {
namespace {

/// Functions, graphs and nodes nest; deeper than this is no model that is imported.
constexpr int kMaxDepth = 64;

enum class Message : uint8_t {
  kModel,
  kGraph,
  kFunction,
  kNode,
  kAttribute,
  kSparseTensor,
  kTensor,
  kEntry,
};

/// The fields through which a tensor can be reached (onnx.proto).
struct Field {
  Message in;
  uint32_t number;
  Message holds;
};
constexpr std::array kFields = {
    Field{Message::kModel, 7, Message::kGraph},
    Field{Message::kModel, 25, Message::kFunction},
    Field{Message::kFunction, 7, Message::kNode},
    Field{Message::kFunction, 11, Message::kAttribute},
    Field{Message::kGraph, 1, Message::kNode},
    Field{Message::kGraph, 5, Message::kTensor},
    Field{Message::kGraph, 15, Message::kSparseTensor},
    Field{Message::kNode, 5, Message::kAttribute},
    Field{Message::kAttribute, 5, Message::kTensor},
    Field{Message::kAttribute, 6, Message::kGraph},
    Field{Message::kAttribute, 10, Message::kTensor},
    Field{Message::kAttribute, 11, Message::kGraph},
    Field{Message::kAttribute, 22, Message::kSparseTensor},
    Field{Message::kAttribute, 23, Message::kSparseTensor},
    Field{Message::kSparseTensor, 1, Message::kTensor},
    Field{Message::kSparseTensor, 2, Message::kTensor},
    Field{Message::kTensor, 13, Message::kEntry},
};
constexpr uint32_t kKey = 1;
constexpr uint32_t kValue = 2;

/// Protobuf's wire format, one field at a time.
class Walker {
 public:
  explicit Walker(std::string_view bytes) : left_(bytes) {}

  /// The next field with a length: its number and content. Others are stepped over.
  std::optional<std::pair<uint32_t, std::string_view>> next() {
    while (!left_.empty()) {
      const auto tag = varint();
      if (!tag) return std::nullopt;
      const auto number = static_cast<uint32_t>(*tag >> 3);
      const auto wire = static_cast<uint32_t>(*tag & 7);
      if (wire == 2) {
        const auto length = varint();
        if (!length || *length > left_.size()) return std::nullopt;
        const std::string_view content = left_.substr(0, *length);
        left_.remove_prefix(*length);
        return std::pair{number, content};
      }
      if (!step_over(wire)) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(left_.front());
      left_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  bool step_over(uint32_t wire) {
    if (wire == 0) return varint().has_value();
    const size_t bytes = wire == 1 ? 8 : 4;
    if ((wire != 1 && wire != 5) || left_.size() < bytes) return false;
    left_.remove_prefix(bytes);
    return true;
  }

  std::string_view left_;
};

void walk_entry(std::string_view bytes, std::set<std::string>& locations) {
  std::string_view key;
  std::string_view value;
  Walker walker(bytes);
  while (const auto field = walker.next()) {
    if (field->first == kKey) key = field->second;
    if (field->first == kValue) value = field->second;
  }
  if (key == "location") locations.emplace(value);
}

void walk(Message message, std::string_view bytes, int depth, std::set<std::string>& locations) {
  if (depth > kMaxDepth) return;
  if (message == Message::kEntry) {
    walk_entry(bytes, locations);
    return;
  }
  Walker walker(bytes);
  while (const auto found = walker.next()) {
    const auto field = std::ranges::find_if(kFields, [&](const Field& candidate) {
      return candidate.in == message && candidate.number == found->first;
    });
    if (field != kFields.end()) walk(field->holds, found->second, depth + 1, locations);
  }
}

}  // namespace

std::set<std::string> onnx_external_locations(std::span<const std::byte> model) {
  std::set<std::string> locations;
  walk(Message::kModel, {reinterpret_cast<const char*>(model.data()), model.size()}, 0, locations);
  return locations;
}

}  // namespace tenwatt::files
