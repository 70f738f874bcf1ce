// Phonemes as a voice's model takes them. A voice maps each phoneme to ids; the order of ids is
// Piper's: begin, pad, then each phoneme's ids followed by a pad, then end. (Two other programs pad
// differently; voices were trained with this one.)
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tenwatt::text {

/// A voice's phoneme_id_map: phoneme (one or more code points) to its ids.
using PhonemeIdMap = std::map<std::string, std::vector<int64_t>, std::less<>>;

/// The phonemes of one sentence, in order.
using Phonemes = std::vector<std::string>;

struct PhonemeIds {
  std::vector<int64_t> ids;
  std::map<std::string, int> missing;  ///< phonemes that the voice lacks, and how often
};

/// kCorrupt if the map has no "^", "_" or "$". Phonemes that it lacks are left out and counted.
Result<PhonemeIds> phoneme_ids(std::span<const std::string> phonemes, const PhonemeIdMap& map);

/// A string of IPA as phonemes: its code points after canonical decomposition. Also what voices of
/// the type "text" take, for plain text.
Phonemes phonemes_of(std::string_view ipa);

}  // namespace tenwatt::text
