// A language model ready to run: program, tokeniser and chat template of one file, shared by all
// conversations.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "decoding/sequence.h"
#include "engine/program.h"
#include "models/language_model.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace tenwatt::thinking {

/// Immutable after loading; thread-safe.
class LanguageEngine {
 public:
  static Result<std::shared_ptr<const LanguageEngine>> load(const std::string& path,
                                                            models::LanguageModelOptions model,
                                                            engine::ProgramOptions program);
  /// The same from a model that is in memory.
  static Result<std::shared_ptr<const LanguageEngine>> make(models::LanguageModel model,
                                                            engine::ProgramOptions program);

  const engine::Program& program() const { return *program_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  /// kUnsupported with the template's name if it isn't one that is built in, or for a base model,
  /// which has none and whose vocabulary lacks the marks of the plain one.
  Result<text::ChatTemplate> chat_template() const;
  decoding::Sequence open_sequence() const { return decoding::Sequence(program_); }

  const std::string& name() const { return name_; }
  const std::string& architecture() const { return architecture_; }
  int64_t context() const { return context_; }
  int64_t vocabulary() const { return vocabulary_; }
  size_t bytes_per_token() const { return bytes_per_token_; }

 private:
  LanguageEngine() = default;

  std::shared_ptr<engine::Program> program_;
  std::unique_ptr<text::Tokenizer> tokenizer_;
  std::string chat_template_source_;
  std::string name_;
  std::string architecture_;
  int64_t context_ = 0;
  int64_t vocabulary_ = 0;
  size_t bytes_per_token_ = 0;
};

}  // namespace tenwatt::thinking
