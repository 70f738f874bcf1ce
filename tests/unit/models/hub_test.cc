// Models as hubs publish them, on small folders written here: what their keys, names and rows are
// in GGUF's terms, and their tokenisers. (Real weights: tests/acceptance/engine/08-files.py.)
#include <gtest/gtest.h>

#include "models/hub_config.h"
#include "models/hub_source.h"
#include "models/hub_tokenizer.h"
#include "models/language_model.h"
#include "models/whisper_source.h"
#include "text/tokenizer.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::models {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

struct Weight {
  std::string name;
  Shape shape;
  float first = 0;  ///< elements count up from here by one
};

std::string safetensors(const std::vector<Weight>& weights) {
  std::string table = "{";
  ByteWriter data;
  for (const Weight& weight : weights) {
    const size_t begin = data.content.size();
    for (int64_t i = 0; i < elements(weight.shape); ++i) {
      data.number(weight.first + static_cast<float>(i));
    }
    table += (table.size() > 1 ? "," : "") + ("\"" + weight.name) + R"(":{"dtype":"F32","shape":)" +
             to_string(weight.shape) + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
             std::to_string(data.content.size()) + "]}";
  }
  table += "}";
  return ByteWriter().number<uint64_t>(table.size()).raw(table).raw(data.content).content;
}

const std::string kLlamaConfig = R"({"model_type":"llama","num_hidden_layers":1,"hidden_size":64,
  "intermediate_size":96,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":8,
  "max_position_embeddings":128,"rms_norm_eps":1e-5,"rope_theta":10000.0,"vocab_size":6)";

const std::string kByteTokenizer = R"({"added_tokens":[
    {"id":3,"content":"<s>","special":true},{"id":4,"content":"<tool>","special":false}],
  "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
  "post_processor":{"type":"TemplateProcessing",
    "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]},
  "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";

class HubModel : public testing::Test {
 protected:
  std::string config(const std::string& more) {
    return folder_.write("config.json", kLlamaConfig + more + "}");
  }
  std::string weights(const std::vector<Weight>& weights) {
    return folder_.write("model.safetensors", safetensors(weights));
  }
  std::string tokenizer(const std::string& json, const std::string& config_json = "{}") {
    folder_.write("tokenizer_config.json", config_json);
    return folder_.write("tokenizer.json", json);
  }
  std::string folder() const { return folder_.path("."); }
  Result<std::unique_ptr<ModelSource>> open() { return open_model_source(folder()); }

  TemporaryFolder folder_;
};

std::vector<float> first_column(const Tensor& tensor) {
  const Tensor f32 = tensor.to_f32().value();
  const int64_t columns = f32.count() / f32.shape()[0];
  std::vector<float> column;
  for (int64_t row = 0; row < f32.shape()[0]; ++row) {
    column.push_back(f32.values<float>()[static_cast<size_t>(row * columns)]);
  }
  return column;
}

TEST_F(HubModel, HasTheKeysOfGguf) {
  config("");
  weights({{"model.embed_tokens.weight", {6, 64}}});
  const auto source = open().value();
  EXPECT_EQ(source->text("general.architecture").value(), "llama");
  const TransformerShape shape = read_transformer_shape(*source, "llama").value();
  EXPECT_EQ(shape.layers, 1);
  EXPECT_EQ(shape.width, 64);
  EXPECT_EQ(shape.feed_forward, 96);
  EXPECT_EQ(shape.heads, 2);
  EXPECT_EQ(shape.kv_heads, 1);
  EXPECT_EQ(shape.head_dim, 8);
  EXPECT_EQ(shape.context, 128);
  EXPECT_EQ(shape.vocabulary, 6);
  EXPECT_FLOAT_EQ(shape.norm_epsilon, 1e-5F);
}

// Llama's rotary pairs are halves of a head on hubs and neighbours in GGUF. Rows are numbered by
// what they hold, so the order of GGUF is read off: 0, 4, 1, 5, ... of each head of 8.
TEST_F(HubModel, LlamasQueriesAndKeysComeInTheRowOrderOfGguf) {
  config("");
  weights({{"model.layers.0.self_attn.q_proj.weight", {16, 1}},
           {"model.layers.0.self_attn.q_proj.bias", {16}},
           {"model.layers.0.self_attn.k_proj.weight", {8, 1}},
           {"model.layers.0.self_attn.v_proj.weight", {8, 1}}});
  const auto source = open().value();
  const std::vector<float> heads = {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15};
  EXPECT_EQ(first_column(source->tensor("blk.0.attn_q.weight").value()), heads);
  EXPECT_EQ(first_column(source->tensor("blk.0.attn_q.bias").value()), heads);
  EXPECT_EQ(first_column(source->tensor("blk.0.attn_k.weight").value()),
            (std::vector<float>{0, 4, 1, 5, 2, 6, 3, 7}));
  EXPECT_EQ(first_column(source->tensor("blk.0.attn_v.weight").value()),
            (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(HubModel, GemmasNormsAreStoredLessOne) {
  folder_.write("config.json", R"({"model_type":"gemma3_text","num_hidden_layers":1,
    "hidden_size":64,"intermediate_size":96,"num_attention_heads":2,"num_key_value_heads":1,
    "head_dim":8,"query_pre_attn_scalar":8,"max_position_embeddings":128,"sliding_window":16,
    "rms_norm_eps":1e-6,"rope_theta":1000000.0,"rope_local_base_freq":10000.0,
    "layer_types":["sliding_attention"],"hidden_activation":"gelu_pytorch_tanh"})");
  weights({{"model.norm.weight", {2}, 3},
           {"model.layers.0.post_attention_layernorm.weight", {2}, 5},
           {"model.layers.0.pre_feedforward_layernorm.weight", {2}, 7},
           {"model.layers.0.self_attn.q_norm.weight", {2}, 9},
           {"model.layers.0.mlp.up_proj.weight", {2, 1}, 11},
           {"lm_head.weight", {2, 1}, 13}});
  const auto source = open().value();
  EXPECT_EQ(first_column(source->tensor("output_norm.weight").value())[0], 4);
  EXPECT_EQ(first_column(source->tensor("blk.0.post_attention_norm.weight").value())[0], 6);
  EXPECT_EQ(first_column(source->tensor("blk.0.ffn_norm.weight").value())[0], 8);
  EXPECT_EQ(first_column(source->tensor("blk.0.attn_q_norm.weight").value())[0], 10);
  EXPECT_EQ(first_column(source->tensor("blk.0.ffn_up.weight").value())[0], 11);
  EXPECT_EQ(source->find_tensor("output.weight"), nullptr) << "gemma's embedding is its output";
  EXPECT_EQ(source->integers("gemma3.attention.sliding_window_pattern").value(),
            std::vector<int64_t>{1});
  EXPECT_EQ(source->integer("gemma3.attention.sliding_window").value(), 16);
  EXPECT_EQ(source->real("gemma3.rope.freq_base_swa").value(), 10000);
}

TEST_F(HubModel, Llama3sFactorsAreComputed) {
  config(R"(,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,
            "high_freq_factor":4.0,"original_max_position_embeddings":8192})");
  weights({{"model.embed_tokens.weight", {6, 64}}});
  const Tensor factors = open().value()->tensor("rope_freqs.weight").value();
  ASSERT_EQ(factors.shape(), (Shape{4}));
  // Wavelengths 6.3, 63, 628 and 6283 over 8192 positions: only the last is between 2048 and 8192.
  // 8192 / 6283.19 = 1.303797 turns; (1.303797 - 1) / 3 = 0.101266; 1 / (0.898734 / 8 + 0.101266).
  const std::vector<float> values = first_column(factors);
  EXPECT_EQ(values[0], 1);
  EXPECT_EQ(values[2], 1);
  EXPECT_NEAR(values[3], 4.68148F, 1e-4);
}

TEST_F(HubModel, RefusesWhatIsNotBuiltAndSaysSo) {
  const std::pair<std::string, std::string> cases[] = {
      {R"(,"model_type":"mamba")", "model type 'mamba' is not built"},
      {R"(,"rope_scaling":{"type":"yarn","factor":4.0})", "rotary scaling 'yarn'"},
      {R"(,"hidden_act":"relu")", "activation relu"},
      {R"(,"quantization_config":{"bits":4})", "quantised in a way of hubs"},
      {R"(,"partial_rotary_factor":0.5)", "part of each head"},
  };
  weights({{"model.embed_tokens.weight", {6, 64}}});
  for (const auto& [setting, words] : cases) {
    config(setting);
    const auto source = open();
    ASSERT_FALSE(source) << words;
    EXPECT_EQ(source.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(source.error().message.find(words), std::string::npos) << source.error().message;
    EXPECT_NE(source.error().message.find("config.json"), std::string::npos);
    EXPECT_FALSE(source.error().remedy.empty());
  }
  config(R"(,"num_attention_heads":0)");
  EXPECT_EQ(open().error().code, ErrorCode::kCorrupt);
}

TEST_F(HubModel, AFolderWithoutTensorsSaysWhatWasLookedFor) {
  config("");
  const auto source = open();
  EXPECT_EQ(source.error().code, ErrorCode::kNotFound);
  EXPECT_NE(source.error().message.find("model.safetensors.index.json"), std::string::npos);
  EXPECT_FALSE(source.error().remedy.empty());
}

TEST_F(HubModel, ByteLevelTokenizer) {
  tokenizer(kByteTokenizer, R"({"bos_token":{"content":"<s>"},"eos_token":"<tool>"})");
  const text::TokenizerSpec spec = read_hub_tokenizer(folder(), 6).value();
  EXPECT_EQ(spec.model, "gpt2");
  EXPECT_EQ(spec.pre, "gpt-2");
  EXPECT_EQ(spec.tokens, (std::vector<std::string>{"a", "b", "ab", "<s>", "<tool>", "[PAD5]"}));
  EXPECT_EQ(spec.types[3], text::TokenType::kControl);
  EXPECT_EQ(spec.types[4], text::TokenType::kUserDefined);
  EXPECT_EQ(spec.types[5], text::TokenType::kUnused);
  EXPECT_EQ(spec.bos, 3);
  EXPECT_EQ(spec.eos, 4);
  EXPECT_TRUE(*spec.add_bos);
  const auto ids = text::make_tokenizer(spec).value()->encode(
      "ab<s>b", {.special = text::SpecialText::kParse, .add = text::AddSpecial::kNone});
  EXPECT_EQ(ids, (std::vector<text::TokenId>{2, 3, 1}));
}

TEST_F(HubModel, TokenizerWithByteFallback) {
  tokenizer(R"({"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"▁"},
    "model":{"type":"BPE","byte_fallback":true,"unk_token":"<unk>",
      "vocab":{"<unk>":0,"<0x0A>":1,"a":2,"b":3,"▁":4,"ab":5,"▁ab":6,"▁a":7},
      "merges":[["a","b"],["▁","a"],["▁a","b"],["▁","ab"]]}})");
  const text::TokenizerSpec spec = read_hub_tokenizer(folder(), 8).value();
  EXPECT_EQ(spec.model, "llama");
  EXPECT_EQ(spec.unknown, 0);
  EXPECT_FALSE(*spec.add_space_prefix);
  EXPECT_EQ(spec.types[1], text::TokenType::kByte);
  EXPECT_GT(spec.scores[5], spec.scores[7]);
  const auto ids = text::make_tokenizer(spec).value()->encode(
      "a ab\n", {.special = text::SpecialText::kParse, .add = text::AddSpecial::kNone});
  EXPECT_EQ(ids, (std::vector<text::TokenId>{2, 6, 1}));
}

TEST_F(HubModel, TokenizersThatAreNotBuilt) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"model":{"type":"Unigram"}})", "the type Unigram"},
      {R"({"pre_tokenizer":{"type":"Sequence","pretokenizers":[
             {"type":"Split","pattern":{"Regex":"x+"}},{"type":"ByteLevel","use_regex":false}]},
           "model":{"type":"BPE","vocab":{"a":0},"merges":[]}})",
       "the expression \"x+\""},
      {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})", "neither byte-level"},
      {R"({"model":{"type":"BPE","vocab":{"a":16000000},"merges":[]}})", "has no valid id"},
      {R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})", "has no valid id"},
      {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}})", "merge 0 is not two"},
      {R"({"model":{"type":"BPE"}})", "no model.vocab"},
  };
  for (const auto& [json, words] : cases) {
    tokenizer(json);
    const auto spec = read_hub_tokenizer(folder(), 8);
    ASSERT_FALSE(spec) << words;
    EXPECT_NE(spec.error().message.find(words), std::string::npos) << spec.error().message;
    EXPECT_NE(spec.error().message.find("tokenizer.json"), std::string::npos);
  }
}

TEST_F(HubModel, ChatTemplates) {
  EXPECT_EQ(read_hub_chat_template(folder()).value(), "");
  tokenizer("{}", R"({"chat_template":"one"})");
  EXPECT_EQ(read_hub_chat_template(folder()).value(), "one");
  tokenizer("{}", R"({"chat_template":[{"name":"tool","template":"no"},
                     {"name":"default","template":"two"}]})");
  EXPECT_EQ(read_hub_chat_template(folder()).value(), "two");
  folder_.write("chat_template.jinja", "three");
  EXPECT_EQ(read_hub_chat_template(folder()).value(), "three");
}

/// The names that OpenAI, CTranslate2 and hubs give to one place.
TEST(WhisperNames, OfEachKindOfFile) {
  const WhisperPlace value = {WhisperSide::kDecoder, 3, WhisperModule::kCrossValue,
                              WhisperLeaf::kBias};
  EXPECT_EQ(whisper_name(WhisperNaming::kOpenAi, value).name,
            "decoder.blocks.3.cross_attn.value.bias");
  EXPECT_EQ(whisper_name(WhisperNaming::kHub, value).name,
            "model.decoder.layers.3.encoder_attn.v_proj.bias");
  const WhisperName stacked = whisper_name(WhisperNaming::kCtranslate2, value);
  EXPECT_EQ(stacked.name, "decoder/layer_3/attention/linear_1/bias");
  EXPECT_EQ(stacked.part, 1);
  EXPECT_EQ(stacked.parts, 2);
  const WhisperPlace norm = {WhisperSide::kEncoder, 0, WhisperModule::kFinalNorm,
                             WhisperLeaf::kWeight};
  EXPECT_EQ(whisper_name(WhisperNaming::kOpenAi, norm).name, "encoder.ln_post.weight");
  EXPECT_EQ(whisper_name(WhisperNaming::kCtranslate2, norm).name, "encoder/layer_norm/gamma");
  EXPECT_EQ(whisper_name(WhisperNaming::kHub, norm).name, "model.encoder.layer_norm.weight");
}

}  // namespace
}  // namespace tenwatt::models
