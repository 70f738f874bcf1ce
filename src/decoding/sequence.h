// A token sequence being decoded: a session of a language-model program, fed with tokens, giving
// logits. Used by whatever samples, scores or searches.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "engine/program.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::decoding {

/// Not thread-safe. Programs have the inputs `ids`, `positions` and `wanted_rows` and one output of
/// logits [wanted, vocabulary].
class Sequence {
 public:
  explicit Sequence(std::shared_ptr<const engine::Program> program)
      : program_(std::move(program)), session_(program_->open_session()) {}
  Sequence(std::shared_ptr<const engine::Program> program, std::unique_ptr<engine::Session> session)
      : program_(std::move(program)), session_(std::move(session)) {}

  /// Appends tokens in chunks of at most `chunk` (0: what the program takes) and keeps the logits
  /// that follow the last one. A failure or cancel keeps the chunks that were done.
  Status append(std::span<const text::TokenId> tokens, const std::atomic<bool>* cancel = nullptr,
                int64_t chunk = 0);

  /// Appends tokens and hands out the logits after each: row i of `rows` follows token
  /// `first + i`.
  using EachRow = std::function<Status(int64_t index, std::span<const float> logits)>;
  Status append_each(std::span<const text::TokenId> tokens, const EachRow& each,
                     const std::atomic<bool>* cancel = nullptr, int64_t chunk = 0);

  /// The logits after the last appended token; empty before the first.
  std::span<const float> logits() const { return logits_.values<float>(); }

  int64_t length() const { return session_->length(); }
  engine::Session& session() { return *session_; }
  Result<Sequence> fork() const;
  /// The session's states as bytes (engine::Session::save).
  Result<std::string> save() const { return session_->save(); }
  /// Forgets tokens from `length` on, and the logits.
  Status truncate(int64_t length);

 private:
  int64_t chunk_size(int64_t asked) const;
  Result<Tensor> run(std::span<const text::TokenId> tokens, std::vector<int64_t> wanted,
                     const std::atomic<bool>* cancel);

  std::shared_ptr<const engine::Program> program_;
  std::unique_ptr<engine::Session> session_;
  Tensor logits_;
};

}  // namespace tenwatt::decoding
