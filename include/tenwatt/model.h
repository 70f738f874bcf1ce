// A language model: tokens, raw completion, scores, and chat with history.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenwatt/runtime.h"

namespace tenwatt {

struct ModelOptions {
  int64_t context = 0;  ///< most tokens of a sequence; 0: what the model was made for
};

struct TokenizeOptions {
  bool add_special = false;  ///< put the model's own beginning and end tokens around the text
  bool plain = false;        ///< treat the spelling of special tokens as text
};

struct Tokens {
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;  ///< bytes of each; may be part of a character
};

/// The tokeniser of a language model, without loading its weights. Shared and thread-safe.
class TextTokenizer {
 public:
  static Result<std::shared_ptr<TextTokenizer>> open(const std::string& name_or_path);
  ~TextTokenizer();
  Tokens tokenize(std::string_view text, const TokenizeOptions& options = {}) const;

 private:
  struct Impl;
  explicit TextTokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SamplingOptions {
  float temperature = 0;  ///< 0: greedy
  int64_t top_k = 40;
  float top_p = 0.95f;
  float min_p = 0.05f;
  uint64_t seed = 0;
};

struct GenerateOptions {
  SamplingOptions sampling;
  int64_t max_tokens = 256;
  int64_t chunk = 0;  ///< prompt tokens per run; 0: as many as the program takes
  const CancelFlag* cancel = nullptr;
};

struct RankedToken {
  int32_t id = 0;
  double log_probability = 0;
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

struct Generation {
  std::vector<int32_t> ids;
  std::string text;
  std::vector<RankedToken> first_step;  ///< the ten most probable first tokens
  std::string stop;                     ///< "end", "length", "cancelled" or "caller"
  GenerationStats stats;
};

struct ScoredPosition {
  int32_t id = 0;              ///< the token that follows in the input
  double log_probability = 0;  ///< of that token
  int32_t argmax = 0;
  double argmax_log_probability = 0;
  std::vector<RankedToken> top;
};

struct ScoreOptions {
  int64_t top = 0;  ///< how many of the best ids to give per position
  int64_t chunk = 0;
  const CancelFlag* cancel = nullptr;
};

/// How positions compare with a recorded reference: its 64 best log-probabilities per position and
/// the rest's mass.
struct ScoreComparison {
  int64_t positions = 0;
  double mean_kl = 0;
  double p99_kl = 0;
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

struct ModelFacts {
  std::string name;
  std::string architecture;
  std::string path;
  int64_t context = 0;
  int64_t vocabulary = 0;
  size_t bytes_per_token = 0;  ///< of the file, read for each decoded token
  double load_seconds = 0;
  bool from_artifact = false;  ///< packed weights were read instead of made
  std::vector<std::string> notices;
};

using OnText = std::function<bool(std::string_view)>;  ///< false stops

/// Shared and thread-safe; each call has a session of its own.
class Model : public std::enable_shared_from_this<Model> {
 public:
  /// Catalogue name or path of a GGUF file.
  static Result<std::shared_ptr<Model>> open(std::shared_ptr<Runtime> runtime,
                                             const std::string& name_or_path,
                                             const ModelOptions& options = {});
  ~Model();

  const ModelFacts& facts() const;
  Tokens tokenize(std::string_view text, const TokenizeOptions& options = {}) const;
  /// Continues the text as it is, without a template.
  Result<Generation> generate(std::string_view prompt, const GenerateOptions& options,
                              const OnText& on_text = {}) const;
  /// The same from ids.
  Result<Generation> generate(const std::vector<int32_t>& prompt, const GenerateOptions& options,
                              const OnText& on_text = {}) const;
  /// Teacher-forced; position k speaks of token k + 1.
  Result<std::vector<ScoredPosition>> score(const std::vector<int32_t>& ids,
                                            const ScoreOptions& options = {}) const;
  /// Scores the ids that a reference file holds and compares.
  Result<ScoreComparison> compare(const std::string& reference_path,
                                  const ScoreOptions& options = {}) const;
  Placement placement() const;
  size_t resident_bytes() const;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// A conversation. What has been read stays read: only new text costs time. Not thread-safe.
class Chat {
 public:
  /// kUnsupported if the model's chat template isn't ChatML.
  static Result<std::unique_ptr<Chat>> open(std::shared_ptr<Model> model, std::string system = {});
  ~Chat();

  /// Answers `text`. A cancelled or stopped answer is kept as far as it was given.
  Result<Generation> send(std::string_view text, const GenerateOptions& options,
                          const OnText& on_text = {});
  const std::vector<ChatMessage>& history() const;
  Status reset();

 private:
  struct Impl;
  explicit Chat(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
