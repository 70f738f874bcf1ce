#include "text/end_of_generation.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tenwatt::text {
namespace {

constexpr std::array<std::string_view, 22> kSpellings = {"<|eot_id|>",
                                                         "<|im_end|>",
                                                         "<|end|>",
                                                         "<|return|>",
                                                         "<|call|>",
                                                         "<|flush|>",
                                                         "<|calls|>",
                                                         "<end_of_turn>",
                                                         "<|endoftext|>",
                                                         "</s>",
                                                         "<|eom_id|>",
                                                         "<EOT>",
                                                         "_<EOT>",
                                                         "[EOT]",
                                                         "[EOS]",
                                                         "<|end_of_text|>",
                                                         "<end_of_utterance>",
                                                         "<eos>",
                                                         "<turn|>",
                                                         "<|tool_response>",
                                                         "<｜end▁of▁sentence｜>",
                                                         "[e~["};

}  // namespace

std::vector<TokenId> end_of_generation_tokens(const TokenizerSpec& spec) {
  std::vector<TokenId> ids;
  for (const auto& id : {spec.eos, spec.eot, spec.eom, spec.fim_pad, spec.fim_rep, spec.fim_sep}) {
    if (id) ids.push_back(*id);
  }
  const auto has = [&](std::string_view spelling) {
    return std::ranges::find(spec.tokens, spelling) != spec.tokens.end();
  };
  // Where the tool protocol has its own ends, the plain spelling only closes a part.
  const bool end_closes_a_part = has("<|return|>") && has("<|call|>");
  const bool s_closes_a_part = has("<|tool_response>");
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    const std::string_view token = spec.tokens[id];
    if (token == "<|end|>" && end_closes_a_part) continue;
    if (token == "</s>" && s_closes_a_part) continue;
    if (std::ranges::find(kSpellings, token) != kSpellings.end()) {
      ids.push_back(static_cast<TokenId>(id));
    }
  }
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  return ids;
}

}  // namespace tenwatt::text
