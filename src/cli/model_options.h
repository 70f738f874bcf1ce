// Options that several of the verbs which run models share, and the API options they become.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/verb.h"
#include "tenwatt/model.h"
#include "tenwatt/recognizer.h"
#include "tenwatt/runtime.h"
#include "tenwatt/voice.h"

namespace tenwatt::cli {

inline constexpr OptionSpec kModelOption = {.name = "model",
                                            .letter = 'm',
                                            .value_name = "NAME",
                                            .help =
                                                "language model, name or path (default: "
                                                "qwen2.5-coder-0.5b, or smollm2-135m with less "
                                                "than 4 GB of memory)"};
inline constexpr OptionSpec kSttOption = {.name = "stt",
                                          .default_value = "whisper-base",
                                          .value_name = "NAME",
                                          .help = "recogniser, name or folder"};
inline constexpr OptionSpec kVoiceOption = {.name = "voice",
                                            .default_value = "en_US-joe-medium",
                                            .value_name = "NAME",
                                            .help = "voice, name or path"};
inline constexpr OptionSpec kSystemOption = {
    .name = "system", .value_name = "TEXT", .help = "what the model is told before the question"};
inline constexpr OptionSpec kMaxTokensOption = {.name = "max-tokens",
                                                .letter = 'n',
                                                .type = OptionType::kInteger,
                                                .default_value = "256",
                                                .value_name = "N",
                                                .help = "most tokens of an answer"};
inline constexpr OptionSpec kTemperatureOption = {.name = "temperature",
                                                  .type = OptionType::kNumber,
                                                  .default_value = "0",
                                                  .value_name = "T",
                                                  .help = "of the sampling; 0 is greedy"};
inline constexpr OptionSpec kTopPOption = {.name = "top-p",
                                           .type = OptionType::kNumber,
                                           .default_value = "0.95",
                                           .value_name = "P",
                                           .help = "smallest set of tokens that reaches P"};
inline constexpr OptionSpec kTopKOption = {.name = "top-k",
                                           .type = OptionType::kInteger,
                                           .default_value = "40",
                                           .value_name = "K",
                                           .help = "only the K best tokens; 0 for all"};
inline constexpr OptionSpec kContextOption = {.name = "context",
                                              .type = OptionType::kInteger,
                                              .default_value = "0",
                                              .value_name = "N",
                                              .help =
                                                  "most tokens of a conversation; 0 for the "
                                                  "model's own limit"};
inline constexpr OptionSpec kChunkOption = {.name = "chunk",
                                            .type = OptionType::kInteger,
                                            .default_value = "0",
                                            .value_name = "N",
                                            .help =
                                                "prompt tokens per run; the result is the "
                                                "same for any"};
inline constexpr OptionSpec kLanguageOption = {.name = "lang",
                                               .default_value = "en",
                                               .value_name = "CODE",
                                               .help = "language of the speech; auto detects it"};
inline constexpr OptionSpec kNoFallbackOption = {
    .name = "no-fallback",
    .type = OptionType::kSwitch,
    .help = "don't try higher temperatures where the text looks wrong"};
inline constexpr OptionSpec kNoContextOption = {.name = "no-context",
                                                .type = OptionType::kSwitch,
                                                .help = "don't condition on the text before"};
inline constexpr OptionSpec kSpeakerOption = {
    .name = "speaker", .value_name = "NAME", .help = "speaker of the voice, name or number"};
inline constexpr OptionSpec kSpeedOption = {.name = "speed",
                                            .type = OptionType::kNumber,
                                            .default_value = "1",
                                            .value_name = "X",
                                            .help = "2 is twice as fast"};
inline constexpr OptionSpec kNoiseOption = {.name = "noise",
                                            .type = OptionType::kNumber,
                                            .value_name = "X",
                                            .help =
                                                "both noise scales; 0 gives the same sound "
                                                "every time"};

/// Runs that --repeat asks for; kUsage outside [1, most].
Result<int> repeats(const Invocation& invocation, int most);

/// Devices, threads and the like; what is wrong with them is the command line's fault (kUsage).
Result<std::shared_ptr<Runtime>> open_runtime(const Invocation& invocation);
/// A language model with --context; what is odd about its files goes to the log.
Result<std::shared_ptr<Model>> open_model(const std::shared_ptr<Runtime>& runtime,
                                          const Invocation& invocation, const std::string& name);
/// kUsage for a number outside its range.
Result<GenerateOptions> generate_options(const Invocation& invocation);
TranscribeOptions transcribe_options(const Invocation& invocation);
Result<SayOptions> say_options(const Invocation& invocation);
/// --chunk; kUsage if it is negative.
Result<int64_t> chunk_option(const Invocation& invocation);

/// A JSON list of integers: "[1, 0, 41, 0, 2]".
Result<std::vector<int64_t>> read_id_list(const std::string& path);

}  // namespace tenwatt::cli
