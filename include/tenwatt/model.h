// A language model: tokens, raw completion, scores, and chat with history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/runtime.h"

namespace tenwatt {

/// How a language model is loaded.
struct ModelOptions {
  int64_t context = 0;  ///< most tokens of a sequence; 0: what the model was made for
};

/// How text becomes tokens.
struct TokenizeOptions {
  bool add_special = false;  ///< put the model's own beginning and end tokens around the text
  bool plain = false;        ///< treat the spelling of special tokens as text
};

/// Token ids and what each stands for.
struct Tokens {
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;  ///< bytes of each; may be part of a character
};

/// The tokeniser of a language model, without loading its weights. Shared and thread-safe.
class TextTokenizer {
 public:
  /// Of the model with this catalogue name or path. Errors as Model::open.
  static Result<std::shared_ptr<TextTokenizer>> open(const std::string& name_or_path);
  ~TextTokenizer();
  /// Any bytes; what is not UTF-8 is taken byte by byte.
  Tokens tokenize(std::string_view text, const TokenizeOptions& options = {}) const;

 private:
  struct Impl;
  explicit TextTokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// How the next token is drawn: the model's own distribution, cut by top_k, then top_p, then min_p,
/// and then the temperature.
struct SamplingOptions {
  float temperature = 0;  ///< 0: the most probable token, whatever the rest says
  int64_t top_k = 40;     ///< only the K most probable; 0: all
  float top_p = 0.95f;    ///< the smallest set that reaches this probability
  float min_p = 0.05f;    ///< at least this share of the best one's probability
  uint64_t seed = 0;
};

/// How text is generated.
struct GenerateOptions {
  SamplingOptions sampling = {};
  int64_t max_tokens = 256;
  int64_t chunk = 0;  ///< prompt tokens per run; 0: as many as the program takes
  /// While the prompt is read, the call fails with kCancelled; after that it gives what it has,
  /// with `stop` "cancelled".
  const CancelFlag* cancel = nullptr;
};

/// A token and how probable it was.
struct RankedToken {
  int32_t id = 0;
  double log_probability = 0;  ///< natural logarithm, as all of them here
  std::string piece;
};

/// What a piece of generation cost.
struct GenerationStats {
  int64_t prompt_tokens = 0;  ///< tokens that were read (without those already in the session)
  int64_t generated_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double first_token_seconds = 0;
};

/// Generated text.
struct Generation {
  std::vector<int32_t> ids;
  std::string text;
  std::vector<RankedToken> first_step;  ///< the ten most probable first tokens
  std::string stop;                     ///< "end", "length", "cancelled" or "caller"
  GenerationStats stats;
};

/// What a model thought of one token of a given text.
struct ScoredPosition {
  int32_t id = 0;              ///< the token that follows in the input
  double log_probability = 0;  ///< of that token
  int32_t argmax = 0;
  double argmax_log_probability = 0;
  std::vector<RankedToken> top;  ///< best first, as many as were asked for
};

/// How a text is scored.
struct ScoreOptions {
  int64_t top = 0;                     ///< how many of the best ids to give per position
  int64_t chunk = 0;                   ///< tokens per run; 0: as many as the program takes
  const CancelFlag* cancel = nullptr;  ///< ends the call with kCancelled
};

/// How positions compare with a recorded reference: its 64 best log-probabilities per position and
/// the rest's mass.
struct ScoreComparison {
  int64_t positions = 0;
  double mean_kl = 0;  ///< of our distribution from the reference's, in nats
  double p99_kl = 0;   ///< its 99th percentile over the positions
  double perplexity = 0;
  double reference_perplexity = 0;
  struct Difference {
    int64_t position;
    int32_t ours;
    int32_t reference;
    double margin;  ///< between the reference's two best
  };
  std::vector<Difference> argmax_differences;
};

/// What is known of a loaded model.
struct ModelFacts {
  std::string name;
  std::string architecture;
  std::string path;
  int64_t context = 0;
  int64_t vocabulary = 0;
  size_t bytes_per_token = 0;  ///< of the file, read for each decoded token
  double load_seconds = 0;
  bool from_artifact = false;        ///< packed weights were read instead of made
  std::vector<std::string> notices;  ///< what was odd about the files
};

/// Told each piece of text, in whole characters, as it comes; false stops the generation, which
/// then ends with `stop` "caller".
using OnText = std::function<bool(std::string_view)>;

/// A language model: weights, tokeniser and chat template. Shared and thread-safe; each call has a
/// sequence of its own.
class Model {
 public:
  /// Catalogue name, path of a GGUF file, or folder of the hub's kind (config.json, safetensors,
  /// tokenizer.json). kModelMissing, kCorrupt, kUnsupported, or kInvalidArgument for the name of
  /// something else.
  static Result<std::shared_ptr<Model>> open(std::shared_ptr<Runtime> runtime,
                                             const std::string& name_or_path,
                                             const ModelOptions& options = {});
  ~Model();

  /// What open() found out.
  const ModelFacts& facts() const;
  /// As TextTokenizer::tokenize.
  Tokens tokenize(std::string_view text, const TokenizeOptions& options = {}) const;
  /// Continues the text as it is, without a template. kInvalidArgument for an empty prompt,
  /// kOutOfRange for one that the context doesn't hold.
  Result<Generation> generate(std::string_view prompt, const GenerateOptions& options,
                              const OnText& on_text = {}) const;
  /// The same from ids; kInvalidArgument for an id outside the vocabulary.
  Result<Generation> generate(const std::vector<int32_t>& prompt, const GenerateOptions& options,
                              const OnText& on_text = {}) const;
  /// Teacher-forced; position k speaks of token k + 1, so there is one fewer than ids.
  Result<std::vector<ScoredPosition>> score(const std::vector<int32_t>& ids,
                                            const ScoreOptions& options = {}) const;
  /// Scores the ids that a reference file holds and compares.
  Result<ScoreComparison> compare(const std::string& reference_path,
                                  const ScoreOptions& options = {}) const;
  /// Where it runs.
  Placement placement() const;
  /// Memory that the weights take.
  size_t resident_bytes() const;

  struct Impl;                           ///< the library's own
  Impl& impl() const { return *impl_; }  ///< the library's own

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One message of a conversation.
struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// A conversation. What has been read stays read: only new text costs time. Not thread-safe.
class Chat {
 public:
  /// kUnsupported if the model has no chat template, or one that isn't built in. An empty system
  /// message leaves it to the template.
  static Result<std::unique_ptr<Chat>> open(std::shared_ptr<Model> model, std::string system = {});
  ~Chat();

  /// Answers `text`. A cancelled or stopped answer is kept as far as it was given; after an error
  /// the conversation is as it was before. kOutOfRange if the context is full.
  Result<Generation> send(std::string_view text, const GenerateOptions& options,
                          const OnText& on_text = {});
  /// All messages, the system's included, in order.
  const std::vector<ChatMessage>& history() const;
  /// Tokens that the model holds of it, out of ModelFacts::context.
  int64_t tokens() const;
  /// Forgets all but the system message.
  Status reset();

  /// A second conversation that goes on from here by itself and shares what was read. The two may
  /// be used by different threads.
  Result<std::unique_ptr<Chat>> fork() const;
  /// The messages and what the model has read of them, as bytes with a checksum. Large: the whole
  /// state in f32.
  Result<std::string> save() const;
  /// A conversation that goes on where the saved one stood. kCorrupt for bytes that are damaged or
  /// come from another model, precision or version.
  static Result<std::unique_ptr<Chat>> load(std::shared_ptr<Model> model, std::string_view saved);

 private:
  struct Impl;
  explicit Chat(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
