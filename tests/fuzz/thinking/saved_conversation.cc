// Saved conversations end in a checksum, which no mutant would pass: it is made right again, as
// someone who means harm would.
#include <cstring>

#include "base/digest.h"
#include "fuzz/parser.h"
#include "unit/thinking/tiny_engine.h"

namespace tenwatt::fuzz {
namespace {

using thinking::Conversation;

const std::shared_ptr<const thinking::LanguageEngine>& engine() {
  static const auto one = thinking::tiny_engine();
  return one;
}

std::string example() {
  auto conversation = Conversation::open(engine(), "be brief");
  if (!conversation) return {};
  (void)conversation->send("abc", {.sampler = {}, .max_tokens = 6, .cancel = nullptr});
  return conversation->save().value_or("");
}

bool accepts(std::string_view bytes) {
  std::string sealed(bytes);
  if (sealed.size() >= sizeof(uint64_t)) {
    const auto body = std::as_bytes(std::span(sealed)).first(sealed.size() - sizeof(uint64_t));
    const uint64_t checksum = checksum64(body);
    std::memcpy(sealed.data() + body.size(), &checksum, sizeof checksum);
  }
  return Conversation::load(engine(), sealed).has_value();
}

const Registered kSaved{{"saved_conversation", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
