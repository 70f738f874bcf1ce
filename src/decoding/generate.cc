#include "decoding/generate.h"

#include <cmath>

namespace tenwatt::decoding {

Result<Generated> generate(Sequence& sequence, const text::Tokenizer& tokenizer,
                           const GenerateOptions& options, const OnToken& on_token) {
  TENWATT_TRY(check(options.sampler));
  if (sequence.logits().empty()) {
    return fail(ErrorCode::kInvalidArgument, "there is no prompt to continue",
                "give at least one token of text");
  }
  Sampler sampler(options.sampler);
  Generated generated;
  while (static_cast<int64_t>(generated.tokens.size()) < options.max_tokens) {
    const text::TokenId token = sampler.pick(sequence.logits());
    // Weights that hold no numbers give no answer, rather than a random one.
    if (!std::isfinite(sequence.logits()[static_cast<size_t>(token)])) {
      return fail(ErrorCode::kCorrupt, "the model's output is not a number",
                  "its file is damaged: delete it and pull it again");
    }
    const bool end = tokenizer.is_end_of_generation(token);
    if (!end) {
      generated.tokens.push_back(token);
      if (on_token && on_token(token) == Continue::kNo) {
        generated.reason = StopReason::kCaller;
        return generated;
      }
    }
    const auto appended = sequence.append(std::span(&token, 1), options.cancel);
    if (!appended && appended.error().code == ErrorCode::kCancelled) {
      generated.reason = StopReason::kCancelled;
      return generated;
    }
    TENWATT_TRY(Status(appended));
    if (end) {
      generated.reason = StopReason::kEndOfText;
      return generated;
    }
  }
  return generated;
}

}  // namespace tenwatt::decoding
