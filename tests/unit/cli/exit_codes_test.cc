// What scripts rely on: the program leaves with the code that docs/errors.md gives for what went
// wrong, whichever verb it was, with data on standard output only where it succeeded.
#include <gtest/gtest.h>

#include <fstream>

#include "program_fixture.h"

namespace tenwatt::cli {
namespace {

struct Line {
  std::vector<std::string> words;
  int code;
};

class ExitCodes : public ProgramFixture {
 protected:
  void SetUp() override {
    ProgramFixture::SetUp();
    ASSERT_TRUE(make_folder(folder));
    broken = folder + "/broken";
    for (const char* ending : {".gguf", ".onnx", ".wav"}) {
      std::ofstream(broken + ending) << "no such format";
    }
    missing = folder + "/nowhere";
  }
  void expect(const std::vector<Line>& lines) {
    for (const Line& line : lines) {
      EXPECT_EQ(run(line.words), line.code) << ::testing::PrintToString(line.words) << err;
      if (line.code == 0) continue;
      EXPECT_TRUE(out.empty()) << out;
      EXPECT_TRUE(err.starts_with("error: ")) << err;
      EXPECT_NE(err.find("\n  try: "), std::string::npos) << err;
    }
  }
  std::string broken;
  std::string missing;
};

TEST_F(ExitCodes, SuccessIs0) {
  expect({{{"--version"}, 0},
          {{"--help"}, 0},
          {{"help", "ask"}, 0},
          {{"list"}, 0},
          {{"show", "whisper-base"}, 0},
          {{"devices"}, 0}});
}

TEST_F(ExitCodes, WhatFailsOnItsFilesIs1) {
  expect({{{"generate", broken + ".gguf", "-p", "x"}, 1},
          {{"score", broken + ".gguf", "-p", "x y"}, 1},
          {{"tokenize", broken + ".gguf", "x"}, 1},
          {{"infer", broken + ".onnx"}, 1},
          {{"explain", broken + ".onnx"}, 1},
          {{"devices", "--config", missing + ".toml"}, 1},
          {{"devices", "--trace", missing + "/trace.json"}, 1},
          {{"devices", "--trace", folder}, 1},
          {{"rm", "whisper-base"}, 1}});
}

TEST_F(ExitCodes, WhatCannotBeUnderstoodIs2) {
  expect({{{}, 2},
          {{"nonsense"}, 2},
          {{"ask", "--nonsense"}, 2},
          {{"transcribe"}, 2},
          {{"infer"}, 2},
          {{"list", "--threads", "many"}, 2},
          {{"devices", "--precision", "half"}, 2},
          {{"say", "x", "--speed", "100"}, 2}});
}

TEST_F(ExitCodes, AModelThatIsNotThereIs3) {
  expect({{{"generate", missing + ".gguf", "-p", "x"}, 3},
          {{"infer", missing + ".onnx"}, 3},
          {{"explain", missing + ".onnx"}, 3},
          {{"say", "x", "--voice", missing + ".onnx", "-o", folder + "/x.wav"}, 3},
          {{"ask", "x"}, 3},
          {{"chat"}, 3},
          {{"generate", "smollm2-135m", "-p", "x"}, 3},
          {{"score", "smollm2-135m", "-p", "x y"}, 3},
          {{"tokenize", "smollm2-135m", "x"}, 3},
          {{"say", "x", "-o", folder + "/x.wav"}, 3},
          {{"explain", "whisper-base"}, 3},
          {{"pull", "no-such-model"}, 3},
          {{"pull", "whisper-base", "--offline"}, 3}});
}

}  // namespace
}  // namespace tenwatt::cli
