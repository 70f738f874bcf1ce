// A conversation as bytes, so that it can go on in another process. Hostile input is assumed: every
// length is checked against what is there before it is used.
//
// "TWCHAT01", the number of messages (u64), for each its role and its content, the number of tokens
// held (u64) and their ids (i32 each), the session (engine/session.h, with a checksum of its own),
// and a checksum of all before it (u64). Texts and the session have their length in front (u64).
#include <cstring>

#include "base/digest.h"
#include "engine/session.h"
#include "files/byte_reader.h"
#include "thinking/conversation.h"

namespace tenwatt::thinking {
namespace {

using text::TokenId;

constexpr std::string_view kMagic = "TWCHAT01";

void put_number(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out += text;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::unexpected<Error> broken() {
  return fail(ErrorCode::kCorrupt, "a saved conversation is damaged or of another model",
              "start a new one");
}

Result<std::string> read_text(files::ByteReader& reader) {
  const auto length = TENWATT_TRY(reader.read<uint64_t>());
  return std::string(TENWATT_TRY(reader.text(length)));
}

Result<std::vector<text::ChatMessage>> read_messages(files::ByteReader& reader) {
  std::vector<text::ChatMessage> messages;
  const auto count = TENWATT_TRY(reader.read<uint64_t>());
  for (uint64_t i = 0; i < count; ++i) {
    text::ChatMessage message;
    message.role = TENWATT_TRY(read_text(reader));
    message.content = TENWATT_TRY(read_text(reader));
    const bool known =
        message.role == "system" || message.role == "user" || message.role == "assistant";
    if (!known) return broken();
    messages.push_back(std::move(message));
  }
  return messages;
}

Result<std::vector<TokenId>> read_tokens(files::ByteReader& reader, int64_t vocabulary) {
  const auto count = TENWATT_TRY(reader.read<uint64_t>());
  if (count > reader.left() / sizeof(TokenId)) return broken();
  std::vector<TokenId> tokens;
  for (uint64_t i = 0; i < count; ++i) {
    tokens.push_back(TENWATT_TRY(reader.read<TokenId>()));
    if (tokens.back() < 0 || tokens.back() >= vocabulary) return broken();
  }
  return tokens;
}

/// What lies between the magic and the checksum, if both are right.
Result<std::string_view> checked_body(std::string_view saved) {
  uint64_t checksum = 0;
  if (!saved.starts_with(kMagic) || saved.size() < kMagic.size() + sizeof checksum) return broken();
  const std::string_view body = saved.substr(0, saved.size() - sizeof checksum);
  std::memcpy(&checksum, saved.data() + body.size(), sizeof checksum);
  if (checksum64(bytes_of(body)) != checksum) return broken();
  return body.substr(kMagic.size());
}

}  // namespace

Result<std::string> Conversation::save() const {
  std::string saved(kMagic);
  put_number(saved, messages_.size());
  for (const text::ChatMessage& message : messages_) {
    put_text(saved, message.role);
    put_text(saved, message.content);
  }
  put_number(saved, held_.size());
  for (const TokenId id : held_) saved.append(reinterpret_cast<const char*>(&id), sizeof id);
  put_text(saved, TENWATT_TRY(sequence_.save()));
  put_number(saved, checksum64(bytes_of(saved)));
  return saved;
}

Result<Conversation> Conversation::load(std::shared_ptr<const LanguageEngine> engine,
                                        std::string_view saved) {
  files::ByteReader reader(bytes_of(TENWATT_TRY(checked_body(saved))));
  Conversation conversation = TENWATT_TRY(open(std::move(engine), {}));
  const LanguageEngine& model = *conversation.engine_;
  conversation.messages_ = TENWATT_TRY(read_messages(reader));
  conversation.held_ = TENWATT_TRY(read_tokens(reader, model.vocabulary()));
  const auto length = TENWATT_TRY(reader.read<uint64_t>());
  auto session = TENWATT_TRY(
      engine::Session::load(model.program().shared_from_this(), TENWATT_TRY(reader.text(length))));
  // The token that ended the last answer is in the session, but is no part of what is held.
  const bool fits = session->length() >= static_cast<int64_t>(conversation.held_.size()) &&
                    session->length() <= model.context();
  if (!fits || reader.left() != 0) return broken();
  conversation.sequence_ =
      decoding::Sequence(model.program().shared_from_this(), std::move(session));
  return conversation;
}

}  // namespace tenwatt::thinking
