// Whisper's graphs on made-up weights, run by the reference interpreter: the interface, and that a
// step with a cache equals the whole sequence. (Real weights: tests/unit/hearing/engine_test.cc.)
#include "models/whisper.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "base/random.h"
#include "graph/reference/reference.h"

namespace tenwatt::models {
namespace {

constexpr int64_t kWidth = 128;  // two heads
constexpr int64_t kRows = 5;     // audio context
constexpr int64_t kPositions = 12;
constexpr int64_t kVocabulary = 30;
constexpr int64_t kMels = 80;

/// Numbers of either sign, about `size` large, as f32 or f16.
Tensor made_up(Random& random, Shape shape, Format format, double size) {
  Tensor tensor = Tensor::create(format, shape).value();
  const auto count = static_cast<size_t>(tensor.count());
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(random.normal() * size);
    if (format == Format::kF32) tensor.mutable_values<float>()[i] = value;
    if (format == Format::kF16) {
      reinterpret_cast<uint16_t*>(tensor.mutable_bytes().data())[i] = f32_to_f16(value);
    }
  }
  return tensor;
}

class SmallWhisper : public testing::Test {
 protected:
  LinearWeights linear(int64_t rows, int64_t columns) {
    return {made_up(random_, {rows, columns}, Format::kF16, 0.08),
            made_up(random_, {rows}, Format::kF32, 0.1)};
  }
  NormWeights norm() {
    Tensor gamma = made_up(random_, {kWidth}, Format::kF32, 0.1);
    for (float& value : gamma.mutable_values<float>()) value += 1;
    return {gamma, made_up(random_, {kWidth}, Format::kF32, 0.1)};
  }
  AttentionWeights attention() {
    LinearWeights key = linear(kWidth, kWidth);
    key.bias.reset();
    return {norm(), linear(kWidth, kWidth), key, linear(kWidth, kWidth), linear(kWidth, kWidth)};
  }
  FeedForwardWeights feed_forward() {
    return {norm(), linear(4 * kWidth, kWidth), linear(kWidth, 4 * kWidth)};
  }
  WhisperWeights weights() {
    WhisperWeights w;
    w.shape = {kMels, kWidth, kWidth / kWhisperHeadDim, kRows, kPositions, kVocabulary};
    w.conv1_weight = made_up(random_, {kWidth, kMels, 3}, Format::kF32, 0.06);
    w.conv1_bias = made_up(random_, {kWidth}, Format::kF32, 0.1);
    w.conv2_weight = made_up(random_, {kWidth, kWidth, 3}, Format::kF32, 0.06);
    w.conv2_bias = made_up(random_, {kWidth}, Format::kF32, 0.1);
    w.audio_positions = made_up(random_, {kRows, kWidth}, Format::kF32, 0.5);
    w.encoder = {{attention(), feed_forward()}, {attention(), feed_forward()}};
    w.encoder_norm = norm();
    w.embeddings = made_up(random_, {kVocabulary, kWidth}, Format::kF16, 0.3);
    w.text_positions = made_up(random_, {kPositions, kWidth}, Format::kF32, 0.3);
    w.decoder = {{attention(), attention(), feed_forward()},
                 {attention(), attention(), feed_forward()}};
    w.decoder_norm = norm();
    return w;
  }

  using Values = std::map<std::string, Tensor>;

  static Tensor range(int32_t first, int64_t count) {
    std::vector<int32_t> numbers;
    for (int32_t i = 0; i < count; ++i) numbers.push_back(first + i);
    return Tensor::of(std::span<const int32_t>(numbers), {count});
  }

  /// What the decoder computes for `ids` at positions from `first` on, behind `past` states.
  static Values decode(const graph::Graph& decoder, const Values& cross,
                       const std::vector<int32_t>& ids, int32_t first,
                       const std::map<std::string, Tensor, std::less<>>& past) {
    const auto count = static_cast<int64_t>(ids.size());
    Values inputs = cross;
    inputs["ids"] = Tensor::of(std::span<const int32_t>(ids), {count});
    inputs["positions"] = range(first, count);
    inputs["wanted_rows"] = range(0, count);
    const std::vector<graph::ReferenceSlice> slices = {{0, count, first, past}};
    graph::EvaluateOptions options;
    options.keep = graph::EvaluateOptions::Keep::kEveryValue;
    options.context.slices = slices;
    auto result = graph::evaluate(decoder, inputs, options);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : Values{};
  }

  Random random_{5};
};

TEST_F(SmallWhisper, EncoderGivesHiddenRowsAndCrossKeysAndValues) {
  const WhisperGraphs graphs = build_whisper(weights(), devices::Precision::kExact).value();
  const Tensor mel = made_up(random_, {kMels, 2 * kRows}, Format::kF32, 1);
  const auto values = graph::evaluate(graphs.encoder, {{"mel", mel}});
  ASSERT_TRUE(values) << values.error().message;
  ASSERT_EQ(graphs.encoder.outputs.size(), 5U);
  EXPECT_EQ(values->at("hidden").shape(), (Shape{kRows, kWidth}));
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (char part : {'k', 'v'}) {
      EXPECT_EQ(values->at(cross_name(part, layer)).shape(), (Shape{kRows, 2, 64}));
    }
  }
}

TEST_F(SmallWhisper, AStepBehindACacheEqualsTheWholeSequence) {
  const WhisperGraphs graphs = build_whisper(weights(), devices::Precision::kExact).value();
  Values cross;
  for (int64_t layer = 0; layer < 2; ++layer) {
    for (char part : {'k', 'v'}) {
      cross[cross_name(part, layer)] = made_up(random_, {kRows, 2, 64}, Format::kF32, 1);
    }
  }
  const std::vector<int32_t> ids = {3, 1, 4, 1, 5, 9};
  const Tensor whole = decode(graphs.decoder, cross, ids, 0, {}).at("logits");
  ASSERT_EQ(whole.shape(), (Shape{6, kVocabulary}));

  const Values first = decode(graphs.decoder, cross, {3, 1, 4, 1}, 0, {});
  std::map<std::string, Tensor, std::less<>> past;
  for (int layer = 0; layer < 2; ++layer) {
    for (char part : {'k', 'v'}) {
      const std::string end = std::to_string(layer);
      past[std::string("self_") + part + "_" + end] =
          first.at("decoder." + end + ".self." + part + ".heads");
    }
  }
  const Tensor rest = decode(graphs.decoder, cross, {5, 9}, 4, past).at("logits");
  for (size_t i = 0; i < 2 * static_cast<size_t>(kVocabulary); ++i) {
    EXPECT_NEAR(rest.values<float>()[i],
                whole.values<float>()[4 * static_cast<size_t>(kVocabulary) + i], 1e-4);
  }
}

TEST_F(SmallWhisper, DecoderDeclaresItsStatesAndKeepsHalfFloatMatrices) {
  const WhisperGraphs graphs = build_whisper(weights(), devices::Precision::kExact).value();
  ASSERT_EQ(graphs.decoder.states.size(), 8U);
  const auto self = graphs.decoder.find_state("self_k_1");
  const auto cross = graphs.decoder.find_state("cross_v_0");
  ASSERT_TRUE(self && cross);
  EXPECT_EQ(graphs.decoder.states[*self].kind, graph::StateKind::kAppend);
  EXPECT_EQ(graphs.decoder.states[*cross].kind, graph::StateKind::kFixed);
  const auto table = graphs.decoder.find_value("embeddings");
  EXPECT_EQ(graphs.decoder.value(*table).type.format, Format::kF16);
}

// Files: a CTranslate2 container with Whisper's variables, some of them wrong.

struct Variable {
  std::string name;
  std::vector<uint32_t> shape;
};

class Container {
 public:
  explicit Container(const std::string& spec) : spec_(spec) {}
  void add(const std::string& name, std::vector<uint32_t> shape) {
    variables_.push_back({name, std::move(shape)});
  }
  void reshape(const std::string& name, const std::vector<uint32_t>& shape) {
    for (Variable& variable : variables_) {
      if (variable.name == name) variable.shape = shape;
    }
  }
  void remove(const std::string& name) {
    std::erase_if(variables_, [&](const Variable& variable) { return variable.name == name; });
  }
  /// Writes it with zeros of `type` (0: f32, 1: i8, 4: f16) and gives its path.
  std::string write(uint8_t type = 4) const {
    const std::string path = testing::TempDir() + "whisper_test_model.bin";
    std::ofstream file(path, std::ios::binary);
    const auto put = [&file](auto number) {
      file.write(reinterpret_cast<const char*>(&number), sizeof number);
    };
    const auto text = [&](const std::string& value) {
      put(static_cast<uint16_t>(value.size() + 1));
      file.write(value.c_str(), static_cast<std::streamsize>(value.size() + 1));
    };
    put(uint32_t{6});
    text(spec_);
    put(uint32_t{3});
    put(static_cast<uint32_t>(variables_.size()));
    for (const Variable& variable : variables_) {
      text(variable.name);
      put(static_cast<uint8_t>(variable.shape.size()));
      uint32_t bytes = type == 0 ? 4 : type == 1 ? 1 : 2;
      for (uint32_t extent : variable.shape) {
        put(extent);
        bytes *= extent;
      }
      put(type);
      put(bytes);
      file << std::string(bytes, '\0');
    }
    put(uint32_t{0});
    return path;
  }

 private:
  std::string spec_;
  std::vector<Variable> variables_;
};

Container whisper_container(const std::string& spec = "WhisperSpec") {
  Container c(spec);
  const uint32_t d = 64;
  const auto norm = [&](const std::string& name) {
    c.add(name + "/gamma", {d});
    c.add(name + "/beta", {d});
  };
  const auto linear = [&](const std::string& name, uint32_t rows, uint32_t columns) {
    c.add(name + "/weight", {rows, columns});
    c.add(name + "/bias", {rows});
  };
  const auto attention = [&](const std::string& name, std::vector<uint32_t> rows) {
    norm(name + "/layer_norm");
    for (size_t i = 0; i < rows.size(); ++i)
      linear(name + "/linear_" + std::to_string(i), rows[i], d);
  };
  const auto ffn = [&](const std::string& name) {
    norm(name + "/layer_norm");
    linear(name + "/linear_0", 4 * d, d);
    linear(name + "/linear_1", d, 4 * d);
  };
  c.add("encoder/conv1/weight", {d, 80, 3});
  c.add("encoder/conv1/bias", {d});
  c.add("encoder/conv2/weight", {d, d, 3});
  c.add("encoder/conv2/bias", {d});
  c.add("encoder/position_encodings/encodings", {5, d});
  c.add("decoder/position_encodings/encodings", {12, d});
  c.add("decoder/embeddings/weight", {30, d});
  for (const std::string part : {"encoder", "decoder"}) {
    attention(part + "/layer_0/self_attention", {3 * d, d});
    ffn(part + "/layer_0/ffn");
    norm(part + "/layer_norm");
  }
  attention("decoder/layer_0/attention", {d, 2 * d, d});
  return c;
}

Result<WhisperGraphs> build(const std::string& path) {
  return build_whisper(*TENWATT_TRY(open_whisper_source(path)), devices::Precision::kExact);
}

ErrorCode error_of(const Container& container, uint8_t type = 4) {
  const auto graphs = build(container.write(type));
  return graphs ? ErrorCode::kInternal : graphs.error().code;
}

TEST(WhisperFile, BuildsFromItsVariables) {
  const WhisperGraphs graphs = build(whisper_container().write()).value();
  EXPECT_EQ(graphs.shape.width, 64);
  EXPECT_EQ(graphs.decoder_layers, 1);
  EXPECT_EQ(graphs.shape.audio_context, 5);
}

TEST(WhisperFile, WrongOrMissingVariablesAreNamed) {
  Container wrong = whisper_container();
  wrong.reshape("decoder/layer_0/attention/linear_1/weight", {64, 64});
  EXPECT_EQ(error_of(wrong), ErrorCode::kCorrupt);
  Container missing = whisper_container();
  missing.remove("encoder/layer_norm/beta");
  EXPECT_EQ(error_of(missing), ErrorCode::kNotFound);
  Container flat = whisper_container();
  flat.reshape("encoder/conv1/weight", {64});
  EXPECT_EQ(error_of(flat), ErrorCode::kCorrupt);
  Container empty = whisper_container();
  empty.remove("encoder/layer_0/self_attention/linear_0/weight");
  EXPECT_EQ(error_of(empty), ErrorCode::kCorrupt);
  Container narrow = whisper_container();
  narrow.reshape("encoder/conv1/weight", {60, 80, 3});
  EXPECT_EQ(error_of(narrow), ErrorCode::kUnsupported);
}

TEST(WhisperFile, OtherModelsAndIntegerWeightsAreRefused) {
  EXPECT_EQ(error_of(whisper_container("TransformerSpec")), ErrorCode::kUnsupported);
  EXPECT_EQ(error_of(whisper_container(), 1), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tenwatt::models
