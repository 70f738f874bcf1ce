// config.json of a hub's model, under the keys that GGUF has for the same hyperparameters, and how
// each family's tensors are called there.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "files/json_file.h"
#include "models/model_source.h"

namespace tenwatt::models {

/// What has to happen to a tensor on its way from a hub's order to GGUF's.
enum class HubChange : uint8_t {
  kNone,
  kQueryRows,  ///< llama: rotary rows of the query heads
  kKeyRows,    ///< llama: rotary rows of the key heads
  kAddOne,     ///< gemma: norms
};

/// A module's name below "model.layers.N." and GGUF's below "blk.N.".
struct HubModule {
  std::string_view hub;
  std::string_view gguf;
  HubChange change = HubChange::kNone;
};

struct HubFamily {
  std::string_view model_type;    ///< config.json
  std::string_view architecture;  ///< general.architecture
  std::string_view activation;    ///< of the feed-forward, in the hub's spelling
  std::span<const HubModule> modules;
  HubChange final_norm = HubChange::kNone;
};

/// The family of config.json's model_type; kUnsupported with those that are built.
Result<const HubFamily*> find_hub_family(const files::JsonView& config);

/// The numbers of llama3's way to stretch the rotary angles: a factor for each frequency.
struct HubRotaryScaling {
  double factor = 8;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  double original_context = 8192;
};

struct HubConfig {
  std::map<std::string, SourceValue, std::less<>> values;  ///< by GGUF's keys
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  double rope_base = 10000;
  std::optional<HubRotaryScaling> llama3_scaling;
  bool tied = false;  ///< the embedding is the output, whatever else the file holds
};

/// kUnsupported for settings that the family's graph doesn't have, kCorrupt for values that are no
/// such numbers.
Result<HubConfig> read_hub_config(const files::JsonView& config, const HubFamily& family);

/// The factors that rope_freqs.weight holds in a GGUF file [head_dim / 2]
/// (facts: https://arxiv.org/abs/2407.21783, as transformers computes them).
std::vector<float> rotary_factors(const HubRotaryScaling& scaling, double base, int64_t head_dim);

}  // namespace tenwatt::models
