#include "tenwatt/model.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "api/model_impl.h"
#include "api/reference_file.h"
#include "decoding/generate.h"
#include "decoding/log_probabilities.h"
#include "models/language_model.h"

namespace tenwatt {
namespace {

constexpr int64_t kFirstStepTokens = 10;

std::vector<RankedToken> ranked(const text::Tokenizer& tokenizer, std::span<const float> logits,
                                int64_t count) {
  std::vector<RankedToken> tokens;
  for (const decoding::Ranked& rank : decoding::top(logits, count)) {
    tokens.push_back({rank.id, rank.log_probability, std::string(tokenizer.piece(rank.id))});
  }
  return tokens;
}

Tokens tokenize_with(const text::Tokenizer& tokenizer, std::string_view text,
                     const TokenizeOptions& options) {
  Tokens tokens;
  tokens.ids = tokenizer.encode(
      text,
      {.special = options.plain ? text::SpecialText::kPlain : text::SpecialText::kParse,
       .add = options.add_special ? text::AddSpecial::kAsModelAsks : text::AddSpecial::kNone});
  for (int32_t id : tokens.ids) tokens.pieces.emplace_back(tokenizer.piece(id));
  return tokens;
}

/// The catalogue's or the user's language model; the machine's default for no name.
Result<store::ResolvedModel> resolve_language_model(const std::string& name_or_path) {
  const std::string name(name_or_path.empty() ? store::default_models().front() : name_or_path);
  store::ResolvedModel resolved = TENWATT_TRY(resolve_model(name));
  if (resolved.kind && *resolved.kind != store::ModelKind::kLanguage) {
    return fail(ErrorCode::kInvalidArgument, resolved.name + " is not a language model",
                "tenwatt list shows what there is");
  }
  return resolved;
}

Status check_ids(const std::vector<int32_t>& ids, int64_t vocabulary) {
  for (int32_t id : ids) {
    if (id < 0 || id >= vocabulary) {
      return fail(ErrorCode::kInvalidArgument, "token id " + std::to_string(id) +
                                                   " is outside the vocabulary of " +
                                                   std::to_string(vocabulary));
    }
  }
  return {};
}

}  // namespace

std::string stop_name(decoding::StopReason reason) {
  switch (reason) {
    case decoding::StopReason::kEndOfText:
      return "end";
    case decoding::StopReason::kLength:
      return "length";
    case decoding::StopReason::kCancelled:
      return "cancelled";
    case decoding::StopReason::kCaller:
      return "caller";
  }
  return "length";
}

decoding::GenerateOptions to_decoding(const GenerateOptions& options) {
  return {.sampler = {.temperature = options.sampling.temperature,
                      .top_k = options.sampling.top_k,
                      .top_p = options.sampling.top_p,
                      .min_p = options.sampling.min_p,
                      .seed = options.sampling.seed},
          .max_tokens = options.max_tokens,
          .cancel = options.cancel};
}

struct TextTokenizer::Impl {
  std::unique_ptr<text::Tokenizer> tokenizer;
};

TextTokenizer::TextTokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextTokenizer::~TextTokenizer() = default;

Result<std::shared_ptr<TextTokenizer>> TextTokenizer::open(const std::string& name_or_path) {
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_language_model(name_or_path));
  auto impl = std::make_unique<Impl>();
  impl->tokenizer = TENWATT_TRY(
      text::make_tokenizer(TENWATT_TRY(models::read_language_tokenizer(resolved.main))));
  return std::shared_ptr<TextTokenizer>(new TextTokenizer(std::move(impl)));
}

Tokens TextTokenizer::tokenize(std::string_view text, const TokenizeOptions& options) const {
  return tokenize_with(*impl_->tokenizer, text, options);
}

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

Result<std::shared_ptr<Model>> Model::open(std::shared_ptr<Runtime> runtime,
                                           const std::string& name_or_path,
                                           const ModelOptions& options) {
  const Stopwatch watch;
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_language_model(name_or_path));
  auto impl = std::make_unique<Impl>();
  models::LanguageModelOptions model;
  model.context = options.context;
  model.precision = runtime->impl().precision;
  impl->engine = TENWATT_TRY(thinking::LanguageEngine::load(
      resolved.main, model, TENWATT_TRY(runtime->impl().program_options("decode", resolved.main))));
  impl->runtime = std::move(runtime);
  ModelFacts& facts = impl->facts;
  facts.name = impl->engine->name();
  facts.architecture = impl->engine->architecture();
  facts.path = resolved.main;
  facts.context = impl->engine->context();
  facts.vocabulary = impl->engine->vocabulary();
  facts.bytes_per_token = impl->engine->bytes_per_token();
  facts.load_seconds = watch.seconds();
  facts.from_artifact =
      impl->engine->program().weights_from() == engine::Program::Source::kArtifact;
  facts.notices = impl->engine->program().notices();
  return std::shared_ptr<Model>(new Model(std::move(impl)));
}

const ModelFacts& Model::facts() const { return impl_->facts; }
size_t Model::resident_bytes() const { return impl_->engine->program().resident_bytes(); }

Tokens Model::tokenize(std::string_view text, const TokenizeOptions& options) const {
  return tokenize_with(impl_->engine->tokenizer(), text, options);
}

Result<Generation> Model::generate(std::string_view prompt, const GenerateOptions& options,
                                   const OnText& on_text) const {
  return generate(
      impl_->engine->tokenizer().encode(
          prompt, {.special = text::SpecialText::kParse, .add = text::AddSpecial::kAsModelAsks}),
      options, on_text);
}

Result<Generation> Model::generate(const std::vector<int32_t>& prompt,
                                   const GenerateOptions& options, const OnText& on_text) const {
  const text::Tokenizer& tokenizer = impl_->engine->tokenizer();
  if (prompt.empty()) {
    return fail(ErrorCode::kInvalidArgument, "there is no prompt to continue",
                "give some text with -p");
  }
  TENWATT_TRY(check_ids(prompt, impl_->engine->vocabulary()));
  const int64_t room = impl_->engine->context() - static_cast<int64_t>(prompt.size());
  if (room < 1) {
    return fail(ErrorCode::kOutOfRange,
                "the prompt has " + std::to_string(prompt.size()) +
                    " tokens, and the model's context holds " +
                    std::to_string(impl_->engine->context()),
                "shorten the prompt, or raise the context");
  }
  decoding::GenerateOptions limited = to_decoding(options);
  limited.max_tokens = std::min(limited.max_tokens, room);
  Generation generation;
  generation.stats.prompt_tokens = static_cast<int64_t>(prompt.size());
  decoding::Sequence sequence = impl_->engine->open_sequence();
  const Stopwatch watch;
  TENWATT_TRY(sequence.append(prompt, options.cancel, options.chunk));
  generation.stats.prefill_seconds = watch.seconds();
  generation.first_step = ranked(tokenizer, sequence.logits(), kFirstStepTokens);
  text::StreamingDecoder decoder(tokenizer);
  const Stopwatch decode;
  const auto tell = [&](const std::string& piece) {
    generation.text += piece;
    const bool go_on = piece.empty() || !on_text || on_text(piece);
    return go_on ? decoding::Continue::kYes : decoding::Continue::kNo;
  };
  const decoding::Generated generated =
      TENWATT_TRY(decoding::generate(sequence, tokenizer, limited, [&](text::TokenId token) {
        if (generation.stats.first_token_seconds == 0) {
          generation.stats.first_token_seconds = watch.seconds();
        }
        return tell(decoder.push(token));
      }));
  tell(decoder.finish());
  generation.stats.decode_seconds = decode.seconds();
  generation.ids = generated.tokens;
  generation.stats.generated_tokens = static_cast<int64_t>(generated.tokens.size());
  generation.stop = stop_name(generated.reason);
  return generation;
}

Result<std::vector<ScoredPosition>> Model::score(const std::vector<int32_t>& ids,
                                                 const ScoreOptions& options) const {
  if (ids.size() < 2) {
    return fail(ErrorCode::kInvalidArgument, "a score needs at least two tokens",
                "give a longer text");
  }
  TENWATT_TRY(check_ids(ids, impl_->engine->vocabulary()));
  std::vector<ScoredPosition> positions;
  decoding::Sequence sequence = impl_->engine->open_sequence();
  const auto each = [&](int64_t index, std::span<const float> logits) -> Status {
    const int32_t next = ids[static_cast<size_t>(index) + 1];
    const double normaliser = decoding::log_sum_exp(logits);
    ScoredPosition position;
    position.id = next;
    position.log_probability = logits[static_cast<size_t>(next)] - normaliser;
    position.argmax = decoding::argmax(logits);
    position.argmax_log_probability = logits[static_cast<size_t>(position.argmax)] - normaliser;
    position.top = ranked(impl_->engine->tokenizer(), logits, options.top);
    positions.push_back(std::move(position));
    return {};
  };
  const std::span<const int32_t> given = std::span(ids).first(ids.size() - 1);
  TENWATT_TRY(sequence.append_each(given, each, options.cancel, options.chunk));
  return positions;
}

Result<ScoreComparison> Model::compare(const std::string& reference_path,
                                       const ScoreOptions& options) const {
  const ScoreReference reference = TENWATT_TRY(read_score_reference(reference_path));
  TENWATT_TRY(check_ids(reference.ids, impl_->engine->vocabulary()));
  ScoreComparer comparer(reference);
  decoding::Sequence sequence = impl_->engine->open_sequence();
  const std::span<const int32_t> given = std::span(reference.ids).first(reference.ids.size() - 1);
  TENWATT_TRY(sequence.append_each(
      given,
      [&](int64_t index, std::span<const float> logits) -> Status {
        return comparer.add(index, logits);
      },
      options.cancel, options.chunk));
  return comparer.finish();
}

Placement Model::placement() const {
  return to_placement(engine::explain(impl_->engine->program()));
}

struct Chat::Impl {
  std::shared_ptr<Model> model;
  thinking::Conversation conversation;
  std::vector<ChatMessage> history;
};

Chat::Chat(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Chat::~Chat() = default;

Result<std::unique_ptr<Chat>> Chat::open(std::shared_ptr<Model> model, std::string system) {
  auto conversation =
      TENWATT_TRY(thinking::Conversation::open(model->impl().engine, std::move(system)));
  return std::unique_ptr<Chat>(
      new Chat(std::make_unique<Impl>(std::move(model), std::move(conversation))));
}

Result<Generation> Chat::send(std::string_view text, const GenerateOptions& options,
                              const OnText& on_text) {
  const Stopwatch watch;
  Generation generation;
  const thinking::Answer answer =
      TENWATT_TRY(impl_->conversation.send(text, to_decoding(options), [&](std::string_view piece) {
        if (generation.stats.first_token_seconds == 0) {
          generation.stats.first_token_seconds = watch.seconds();
        }
        return !on_text || on_text(piece) ? decoding::Continue::kYes : decoding::Continue::kNo;
      }));
  generation.ids = answer.generated.tokens;
  generation.text = answer.text;
  generation.stop = stop_name(answer.generated.reason);
  generation.stats.prompt_tokens = answer.prompt_tokens;
  generation.stats.generated_tokens = static_cast<int64_t>(answer.generated.tokens.size());
  generation.stats.prefill_seconds = answer.prefill_seconds;
  generation.stats.decode_seconds = answer.decode_seconds;
  return generation;
}

const std::vector<ChatMessage>& Chat::history() const {
  impl_->history.clear();
  for (const text::ChatMessage& message : impl_->conversation.history()) {
    impl_->history.push_back({message.role, message.content});
  }
  return impl_->history;
}

int64_t Chat::tokens() const { return impl_->conversation.tokens(); }
Status Chat::reset() { return impl_->conversation.reset(); }

Result<std::unique_ptr<Chat>> Chat::fork() const {
  auto conversation = TENWATT_TRY(impl_->conversation.fork());
  return std::unique_ptr<Chat>(
      new Chat(std::make_unique<Impl>(impl_->model, std::move(conversation))));
}

Result<std::string> Chat::save() const { return impl_->conversation.save(); }

Result<std::unique_ptr<Chat>> Chat::load(std::shared_ptr<Model> model, std::string_view saved) {
  auto conversation = TENWATT_TRY(thinking::Conversation::load(model->impl().engine, saved));
  return std::unique_ptr<Chat>(
      new Chat(std::make_unique<Impl>(std::move(model), std::move(conversation))));
}

}  // namespace tenwatt
