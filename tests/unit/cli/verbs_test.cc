// What the verbs refuse before a model is even looked for, and standard input under Ctrl-C.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>

#include "base/paths.h"
#include "cli/run.h"
#include "cli/standard_input.h"
#include "program_fixture.h"

namespace tenwatt::cli {
namespace {

class Verbs : public ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    ASSERT_TRUE(make_folder(folder));
  }
};

TEST_F(Verbs, NumbersOutOfRangeAreUsageErrorsThatNameTheRange) {
  const std::vector<std::vector<std::string>> lines = {
      {"generate", "m", "-p", "x", "--temperature", "-1"},
      {"generate", "m", "-p", "x", "--top-p", "0"},
      {"generate", "m", "-p", "x", "--top-p", "1.5"},
      {"generate", "m", "-p", "x", "--top-k", "-1"},
      {"generate", "m", "-p", "x", "-n", "-5"},
      {"generate", "m", "-p", "x", "--chunk", "-1"},
      {"generate", "m", "-p", "x", "--context", "-1"},
      {"generate", "m", "-p", "x", "--threads", "1000"},
      {"chat", "-n", "-1"},
      {"score", "m", "-p", "x", "--top", "-1"},
      {"score", "m", "-p", "x", "--chunk", "-1"},
      {"say", "x", "--speed", "0"},
      {"say", "x", "--noise", "-1"},
      {"ask", "x", "--speed", "9"},
      {"transcribe", "x.wav", "--temperature", "-1"},
      {"bench", "tts", "--repeat", "0"},
  };
  for (const auto& line : lines) {
    EXPECT_EQ(run(line), 2) << ::testing::PrintToString(line) << err;
    EXPECT_NE(err.find("\n  try: "), std::string::npos) << err;
    EXPECT_TRUE(out.empty()) << out;
  }
}

TEST_F(Verbs, NamesThatDoNotExistAreUsageErrorsThatListThoseThatDo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> lines = {
      {{"devices", "--device", "nonsense"}, "simnpu"},
      {{"devices", "--device", "cpu:fault=1"}, "--device cpu"},
      {{"devices", "--device", "simnpu:fault=1"}, "mode=exact"},
      {{"devices", "--place", "nonsense"}, "vocoder"},
      {{"devices", "--place", "flow=nonsense"}, "simnpu"},
      {{"devices", "--level", "nonsense"}, "v2"},
      {{"bench", "nonsense"}, "turn"},
  };
  for (const auto& [line, listed] : lines) {
    EXPECT_EQ(run(line), 2) << ::testing::PrintToString(line) << err;
    EXPECT_NE(err.find(listed), std::string::npos) << err;
  }
}

TEST_F(Verbs, TwoThingsCannotShareStandardOutput) {
  EXPECT_EQ(run({"say", "x", "-o", "-", "--json"}), 2);
  EXPECT_EQ(run({"ask", "x", "-o", "-", "--json"}), 2);
}

TEST_F(Verbs, AQuestionWithoutItsModelNamesThePull) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"ask", "x", "-m", "smollm2-135m"},
                                             {"generate", "smollm2-135m", "-p", "x"},
                                             {"bench", "llm", "-m", "smollm2-135m"},
                                             {"chat", "-m", "smollm2-135m"}}) {
    EXPECT_EQ(run(line), 3) << err;
    EXPECT_NE(err.find("tenwatt pull smollm2-135m"), std::string::npos) << err;
  }
}

TEST_F(Verbs, AQuestionWithoutANamedModelAsksForTheMachinesDefault) {
  EXPECT_EQ(run({"ask", "x"}), 3);
  EXPECT_TRUE(err.find("tenwatt pull qwen2.5-coder-0.5b") != std::string::npos ||
              err.find("tenwatt pull smollm2-135m") != std::string::npos)
      << err;
}

TEST_F(Verbs, AFailedQuestionLeavesNoSoundFile) {
  const std::string sound = folder + "/answer.wav";
  EXPECT_EQ(run({"ask", "x", "-o", sound}), 3);
  EXPECT_FALSE(std::filesystem::exists(sound));
}

/// `text` on standard input for as long as it lives.
class GivenInput {
 public:
  explicit GivenInput(const std::string& text) : saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    writer_ = ends[1];
  }
  GivenInput(const GivenInput&) = delete;
  GivenInput& operator=(const GivenInput&) = delete;
  ~GivenInput() {
    end();
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  void end() {
    if (writer_ >= 0) ::close(std::exchange(writer_, -1));
  }

 private:
  int saved_;
  int writer_ = -1;
};

TEST(StandardInput, IsReadByteForByte) {
  const std::string text("a\0\r\nb\xff", 6);
  GivenInput input(text);
  input.end();
  EXPECT_EQ(read_standard_input(nullptr), text);
}

TEST(StandardInput, LinesComeAsTheyAreTyped) {
  GivenInput input("one\r\n\ntwo\nlast");
  LineReader lines(nullptr);
  EXPECT_EQ(lines.next().value(), "one");
  EXPECT_EQ(lines.next().value(), "");
  EXPECT_EQ(lines.next().value(), "two");
  input.end();
  EXPECT_EQ(lines.next().value(), "last");
  EXPECT_EQ(lines.next().value(), std::nullopt);
  EXPECT_EQ(lines.next().value(), std::nullopt);
}

TEST(StandardInput, AWaitEndsWhenItIsCancelled) {
  GivenInput input("half a line");
  CancelFlag cancel{true};
  EXPECT_EQ(read_standard_input(&cancel).error().code, ErrorCode::kCancelled);
  LineReader lines(&cancel);
  EXPECT_EQ(lines.next().error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace tenwatt::cli
