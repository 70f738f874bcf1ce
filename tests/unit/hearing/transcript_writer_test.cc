// Each format, letter by letter, with text that its syntax has to protect.
#include "hearing/transcript_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tenwatt::hearing {
namespace {

Transcript example() {
  Transcript transcript;
  transcript.language = "en";
  transcript.duration = 3725.5;
  transcript.segments.resize(2);
  transcript.segments[0].start = 0;
  transcript.segments[0].end = 1.5;
  transcript.segments[0].text = " He said \"a --> b\",\nthen <left>.";
  transcript.segments[0].tokens = {1, 2};
  transcript.segments[1].id = 1;
  transcript.segments[1].start = 3723.0;
  transcript.segments[1].end = 3725.4567;
  transcript.segments[1].text = " Caf\xC3\xA9 & more";
  return transcript;
}

TEST(TranscriptWriter, Txt) {
  EXPECT_EQ(write_transcript(example(), TranscriptFormat::kTxt),
            "He said \"a --> b\",\nthen <left>.\nCaf\xC3\xA9 & more\n");
}

TEST(TranscriptWriter, Srt) {
  EXPECT_EQ(write_transcript(example(), TranscriptFormat::kSrt),
            "1\n00:00:00,000 --> 00:00:01,500\nHe said \"a -> b\", then <left>.\n\n"
            "2\n01:02:03,000 --> 01:02:05,457\nCaf\xC3\xA9 & more\n\n");
}

TEST(TranscriptWriter, Vtt) {
  EXPECT_EQ(write_transcript(example(), TranscriptFormat::kVtt),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n"
            "He said \"a -&gt; b\", then &lt;left&gt;.\n\n"
            "01:02:03.000 --> 01:02:05.457\nCaf\xC3\xA9 &amp; more\n\n");
}

TEST(TranscriptWriter, Csv) {
  EXPECT_EQ(write_transcript(example(), TranscriptFormat::kCsv),
            "start,end,text\n0,1500,\"He said \"\"a --> b\"\",\nthen <left>.\"\n"
            "3723000,3725457,\"Caf\xC3\xA9 & more\"\n");
}

TEST(TranscriptWriter, Lrc) {
  EXPECT_EQ(write_transcript(example(), TranscriptFormat::kLrc),
            "[00:00.00]He said \"a -> b\", then <left>.\n[62:03.00]Caf\xC3\xA9 & more\n");
}

TEST(TranscriptWriter, JsonHoldsEverythingAndAlwaysParses) {
  Transcript transcript = example();
  transcript.segments[1].text += "\xFF";
  const auto json = nlohmann::json::parse(write_transcript(transcript, TranscriptFormat::kJson));
  EXPECT_EQ(json["language"], "en");
  EXPECT_EQ(json["segments"].size(), 2U);
  EXPECT_EQ(json["segments"][0]["tokens"], nlohmann::json({1, 2}));
  EXPECT_EQ(json["segments"][1]["end"], 3725.457);
  EXPECT_EQ(json["duration"], 3725.5);
}

TEST(TranscriptWriter, NamesAreThoseOfTheCommandLine) {
  EXPECT_EQ(transcript_format_names(), "txt, srt, vtt, json, csv, lrc");
  EXPECT_EQ(transcript_format("vtt"), TranscriptFormat::kVtt);
  EXPECT_FALSE(transcript_format("doc"));
}

TEST(Transcript, CompressionRatioIsZlibs) {
  std::string repeated;
  for (int i = 0; i < 50; ++i) repeated += "la la ";
  EXPECT_GT(compression_ratio(repeated), 10);
  EXPECT_LT(compression_ratio("An ordinary sentence."), 1);
  EXPECT_EQ(compression_ratio(""), 0);
}

}  // namespace
}  // namespace tenwatt::hearing
