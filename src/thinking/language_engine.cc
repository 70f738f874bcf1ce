#include "thinking/language_engine.h"

namespace tenwatt::thinking {

Result<std::shared_ptr<const LanguageEngine>> LanguageEngine::load(
    const std::string& path, models::LanguageModelOptions model, engine::ProgramOptions program) {
  return make(TENWATT_TRY(models::read_language_model(path, model)), std::move(program));
}

Result<std::shared_ptr<const LanguageEngine>> LanguageEngine::make(models::LanguageModel read,
                                                                   engine::ProgramOptions program) {
  std::shared_ptr<LanguageEngine> engine(new LanguageEngine);
  engine->tokenizer_ = TENWATT_TRY(text::make_tokenizer(std::move(read.tokenizer)));
  engine->chat_template_source_ = std::move(read.chat_template);
  engine->name_ = std::move(read.name);
  engine->architecture_ = std::move(read.architecture);
  engine->context_ = read.context;
  engine->vocabulary_ = read.vocabulary;
  engine->bytes_per_token_ = read.bytes_per_token;
  engine->program_ =
      TENWATT_TRY(engine::Program::prepare(std::move(read.graph), std::move(program)));
  return engine;
}

Result<text::ChatTemplate> LanguageEngine::chat_template() const {
  if (chat_template_source_.empty() && !text::ChatTemplate::fits(*tokenizer_)) {
    return fail(ErrorCode::kUnsupported,
                name_ +
                    " is a base model: it has no chat template, and continues text rather than "
                    "answer it",
                "ask an instructed model such as qwen2.5-coder-0.5b, or let this one continue a "
                "text: tenwatt generate");
  }
  return text::ChatTemplate::from_source(chat_template_source_);
}

}  // namespace tenwatt::thinking
