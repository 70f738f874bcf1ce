// Token after token: samples from a sequence, tells the caller, appends, until the model ends its
// answer, a limit is reached, or somebody cancels.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "base/result.h"
#include "decoding/sampler.h"
#include "decoding/sequence.h"
#include "text/tokenizer.h"

namespace tenwatt::decoding {

struct GenerateOptions {
  SamplerOptions sampler;
  int64_t max_tokens = 256;
  const std::atomic<bool>* cancel = nullptr;
};

enum class StopReason : uint8_t { kEndOfText, kLength, kCancelled, kCaller };

struct Generated {
  std::vector<text::TokenId> tokens;  ///< without the one that ended the answer
  StopReason reason = StopReason::kLength;
};

/// What the caller wants after a token.
enum class Continue : uint8_t { kYes, kNo };
using OnToken = std::function<Continue(text::TokenId)>;

/// Continues `sequence`, which must hold at least one token. Every token that is returned has been
/// appended, so a later turn continues from there; the ending token is appended too. Only where
/// the caller stopped or cancelled may the last one be missing: Sequence::length tells. kCorrupt if
/// the model's output is not a number.
Result<Generated> generate(Sequence& sequence, const text::Tokenizer& tokenizer,
                           const GenerateOptions& options, const OnToken& on_token = {});

}  // namespace tenwatt::decoding
