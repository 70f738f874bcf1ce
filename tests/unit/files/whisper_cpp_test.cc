// whisper.cpp's .bin: a small file written here after the published layout, and hostile ones, among
// them the three that whisper.cpp itself fell for.
#include "files/whisper_cpp.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

constexpr int32_t kF32 = 0, kF16 = 1, kQ8_0 = 8;

struct Part {
  std::string name;
  int32_t type;
  std::vector<int32_t> extents;  // fastest first, as the file has them
  std::string bytes;
  std::optional<int32_t> rank;  // to lie about it
  std::optional<int32_t> name_length;
};

struct Content {
  std::vector<int32_t> sizes = {8, 5, 64, 1, 1, 12, 64, 1, 1, 3, 1};
  int32_t filter_mels = 3;
  int32_t filter_bins = 201;
  std::optional<int32_t> words_announced;
  std::vector<std::string> words = {"a", "", std::string("\xe2\x82", 2), " the"};
  std::vector<Part> parts;

  std::string write() const {
    ByteWriter to;
    to.number(uint32_t{0x67676d6c});
    for (const int32_t size : sizes) to.number(size);
    to.number(filter_mels).number(filter_bins).raw(std::string(3 * 201 * 4, '\1'));
    to.number(words_announced.value_or(static_cast<int32_t>(words.size())));
    for (const std::string& word : words) to.number<int32_t>(word.size()).raw(word);
    for (const Part& part : parts) {
      to.number(part.rank.value_or(static_cast<int32_t>(part.extents.size())));
      to.number(part.name_length.value_or(static_cast<int32_t>(part.name.size())));
      to.number(part.type);
      for (const int32_t extent : part.extents) to.number(extent);
      to.raw(part.name).raw(part.bytes);
    }
    return to.content;
  }
};

std::string floats(std::initializer_list<float> values) {
  ByteWriter to;
  for (const float value : values) to.number(value);
  return to.content;
}

/// One block of q8_0 with the scale 0.5 and the codes 0, 1, 2, ...
std::string block() {
  ByteWriter to;
  to.number(f32_to_f16(0.5F));
  for (int8_t code = 0; code < 32; ++code) to.number(code);
  return to.content;
}

Content small() {
  Content content;
  content.parts = {
      {"decoder.ln.bias", kF32, {3}, floats({1, -2, 3}), {}, {}},
      {"encoder.conv1.bias", kF32, {1, 2}, floats({4, 5}), {}, {}},
      {"encoder.conv1.weight", kF16, {3, 1, 1}, std::string("\0\x3c\0\x40\0\x42", 6), {}, {}},
      {"decoder.blocks.0.mlp.0.weight", kQ8_0, {32, 1}, block(), {}, {}}};
  return content;
}

Result<WhisperCppFile> read(const Content& content) {
  const TemporaryFolder folder;
  return read_whisper_cpp(folder.write("ggml-test.bin", content.write()));
}

std::string refusal(const Content& content) {
  const auto file = read(content);
  return file ? "accepted" : file.error().message;
}

#define EXPECT_REFUSED(content, words) \
  EXPECT_NE(refusal(content).find(words), std::string::npos) << refusal(content)

TEST(WhisperCpp, ReadsSizesWordsAndTensors) {
  const WhisperCppFile file = read(small()).value();
  EXPECT_EQ(file.sizes().vocabulary, 8);
  EXPECT_EQ(file.sizes().audio_context, 5);
  EXPECT_EQ(file.sizes().text_context, 12);
  EXPECT_EQ(file.sizes().mels, 3);
  ASSERT_EQ(file.words().size(), 4u);
  EXPECT_EQ(file.words()[1], "");
  EXPECT_EQ(file.words()[2], "\xe2\x82");
  const Tensor bias = file.tensor("decoder.ln.bias").value();
  EXPECT_EQ(bias.shape(), (Shape{3}));
  EXPECT_EQ(bias.values<float>()[1], -2);
  // The file's order of extents is the reverse of ours.
  EXPECT_EQ(file.tensor("encoder.conv1.bias").value().shape(), (Shape{2, 1}));
  const Tensor conv = file.tensor("encoder.conv1.weight").value();
  EXPECT_EQ(conv.shape(), (Shape{1, 1, 3}));
  EXPECT_EQ(conv.to_f32().value().values<float>()[2], 3);
  const Tensor codes = file.tensor("decoder.blocks.0.mlp.0.weight").value();
  EXPECT_EQ(codes.format(), Format::kQ8_0);
  EXPECT_EQ(codes.to_f32().value().values<float>()[31], 15.5F);
  EXPECT_EQ(file.tensor("decoder.ln.weight").error().code, ErrorCode::kNotFound);
}

// whisper.cpp issue 3787: the number of dimensions indexed an array on the stack.
TEST(WhisperCppAttack, MoreDimensionsThanFour) {
  for (const int32_t rank : {-1, 0, 5, 1 << 20, INT32_MAX}) {
    Content content = small();
    content.parts[0].rank = rank;
    EXPECT_REFUSED(content, "dimensions (1 to 4 are valid)");
    EXPECT_REFUSED(content, "tensor at byte");
  }
}

// whisper.cpp issue 3674: the announced number of words was allocated before any was read.
TEST(WhisperCppAttack, VocabularyLargerThanTheFile) {
  for (const int32_t count : {-1, 9, INT32_MAX, INT32_MIN}) {
    Content content = small();
    content.words_announced = count;
    EXPECT_REFUSED(content, "words in a vocabulary of 8");
  }
  Content huge = small();
  huge.sizes[0] = 1 << 20;
  huge.words_announced = 1 << 20;
  EXPECT_REFUSED(huge, "words in a vocabulary of 1048576");
}

// whisper.cpp issue 4059: a vocabulary smaller than the ids that special tokens have.
TEST(WhisperCppAttack, MoreWordsThanTheVocabularyHasTokens) {
  Content content = small();
  content.sizes[0] = 3;
  EXPECT_REFUSED(content, "4 words in a vocabulary of 3");
}

TEST(WhisperCppAttack, SizesOutsideTheirBounds) {
  const char* const names[] = {"n_vocab",       "n_audio_ctx", "n_audio_state", "n_audio_head",
                               "n_audio_layer", "n_text_ctx",  "n_text_state",  "n_text_head",
                               "n_text_layer",  "n_mels"};
  for (size_t i = 0; i < std::size(names); ++i) {
    for (const int32_t size : {0, -1, INT32_MAX, INT32_MIN}) {
      Content content = small();
      content.sizes[i] = size;
      EXPECT_REFUSED(content, names[i]);
    }
  }
}

TEST(WhisperCppAttack, FiltersOfAnotherSize) {
  Content content = small();
  content.filter_mels = INT32_MAX;
  EXPECT_REFUSED(content, "mel filters of 2147483647");
  content.filter_mels = 3;
  content.filter_bins = -201;
  EXPECT_REFUSED(content, "mel filters of 3 by -201");
}

TEST(WhisperCppAttack, TensorsThatDontFit) {
  Content negative = small();
  negative.parts[0].extents = {-3};
  EXPECT_REFUSED(negative, "the shape [-3]");
  Content overflow = small();
  overflow.parts[0].extents = {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX};
  EXPECT_REFUSED(overflow, "decoder.ln.bias");
  Content beyond = small();
  beyond.parts[3].extents = {32, 1 << 20};
  EXPECT_REFUSED(beyond, "the file ends at byte");
  Content partial = small();
  partial.parts[3].extents = {31, 1};
  EXPECT_REFUSED(partial, "don't fill whole blocks of Q8_0");
  Content unknown = small();
  unknown.parts[0].type = 77;
  EXPECT_REFUSED(unknown, "unknown number format 77");
  Content long_name = small();
  long_name.parts[0].name_length = INT32_MAX;
  EXPECT_REFUSED(long_name, "a name of 2147483647 bytes");
  Content twice = small();
  twice.parts.push_back(twice.parts[0]);
  EXPECT_REFUSED(twice, "occurs twice");
  Content none = small();
  none.parts.clear();
  EXPECT_REFUSED(none, "no tensors");
}

TEST(WhisperCpp, EveryRefusalSaysWhatToDo) {
  Content content = small();
  content.sizes[1] = 0;
  EXPECT_FALSE(read(content).error().remedy.empty());
}

}  // namespace
}  // namespace tenwatt::files
