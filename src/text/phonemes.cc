#include "text/phonemes.h"

#include "text/unicode.h"

namespace tenwatt::text {
namespace {

Result<const std::vector<int64_t>*> frame_ids(const PhonemeIdMap& map, std::string_view name) {
  const auto entry = map.find(name);
  if (entry != map.end() && !entry->second.empty()) return &entry->second;
  return fail(ErrorCode::kCorrupt, "the voice's phoneme_id_map has no '" + std::string(name) + "'");
}

void append(std::vector<int64_t>& out, const std::vector<int64_t>& ids) {
  out.insert(out.end(), ids.begin(), ids.end());
}

}  // namespace

Result<PhonemeIds> phoneme_ids(std::span<const std::string> phonemes, const PhonemeIdMap& map) {
  const auto* begin = TENWATT_TRY(frame_ids(map, "^"));
  const auto* pad = TENWATT_TRY(frame_ids(map, "_"));
  const auto* end = TENWATT_TRY(frame_ids(map, "$"));
  PhonemeIds out;
  append(out.ids, *begin);
  append(out.ids, *pad);
  for (const std::string& phoneme : phonemes) {
    const auto entry = map.find(phoneme);
    if (entry == map.end()) {
      ++out.missing[phoneme];
      continue;
    }
    append(out.ids, entry->second);
    append(out.ids, *pad);
  }
  append(out.ids, *end);
  return out;
}

Phonemes phonemes_of(std::string_view ipa) { return decomposed_characters(ipa); }

}  // namespace tenwatt::text
