// The documents beside a hub's model: its configuration and its tokeniser.
#include "fuzz/parser.h"
#include "models/hub_tokenizer.h"
#include "models/language_model.h"
#include "text/tokenizer.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

std::string example_config() {
  return R"({"model_type":"llama","num_hidden_layers":1,"hidden_size":64,"intermediate_size":96,
"num_attention_heads":2,"num_key_value_heads":1,"head_dim":8,"max_position_embeddings":128,
"rms_norm_eps":1e-5,"rope_theta":10000.0,"vocab_size":6,"hidden_act":"silu",
"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
"original_max_position_embeddings":64}})";
}

bool accepts_config(std::string_view bytes) {
  static const ScratchFolder folder;
  const std::string table =
      R"({"model.embed_tokens.weight":{"dtype":"F32","shape":[6,64],"data_offsets":[0,1536]}})";
  testing_files::ByteWriter weights;
  weights.number<uint64_t>(table.size()).raw(table).raw(std::string(1536, '\0'));
  static const std::string written = folder.write("model.safetensors", weights.content);
  folder.write("config.json", bytes);
  const auto source = models::open_model_source(folder.path("."));
  if (!source) return false;
  return models::read_transformer_shape(**source, "llama").has_value();
}

std::string example_tokenizer() {
  return R"({"added_tokens":[{"id":3,"content":"<s>","special":true},
{"id":4,"content":"<tool>","special":false}],
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
"post_processor":{"type":"TemplateProcessing",
"single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]},
"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
}

std::string example_byte_fallback() {
  return R"({"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},
"model":{"type":"BPE","byte_fallback":true,"unk_token":"<unk>",
"vocab":{"<unk>":0,"<0x0A>":1,"a":2,"b":3,"▁":4,"ab":5,"▁ab":6,"▁a":7},
"merges":[["a","b"],["▁","a"],["▁a","b"],["▁","ab"]]}})";
}

// A tokeniser that was accepted must also cut a text, whatever its vocabulary lacks.
bool accepts_tokenizer(std::string_view bytes) {
  static const ScratchFolder folder;
  folder.write("tokenizer.json", bytes);
  auto spec = models::read_hub_tokenizer(folder.path("."), 8);
  if (!spec) return false;
  const auto tokenizer = text::make_tokenizer(std::move(*spec));
  if (!tokenizer) return false;
  const auto ids =
      (*tokenizer)
          ->encode("ab <s> abba\n\xff\xe2\x82 x",
                   {.special = text::SpecialText::kParse, .add = text::AddSpecial::kAsModelAsks});
  (void)(*tokenizer)->decode(ids);
  return true;
}

const Registered kConfig{{"hub_config", Cuts::kAreErrors, example_config, accepts_config}};
const Registered kBytes{{"hub_tokenizer", Cuts::kAreErrors, example_tokenizer, accepts_tokenizer}};
const Registered kFallback{
    {"hub_tokenizer_fallback", Cuts::kAreErrors, example_byte_fallback, accepts_tokenizer}};

}  // namespace
}  // namespace tenwatt::fuzz
