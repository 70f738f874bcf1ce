// Cutting windows into segments: the cases of the rule, and every window that faster-whisper cut.
#include "hearing/segmenter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "unit/hearing/reference.h"
#include "unit/hearing/vocabulary.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

TokenId at(double seconds) { return 20 + static_cast<TokenId>(std::lround(seconds / 0.02)); }

WindowCut cut(const std::vector<TokenId>& decoded, int64_t seek = 0, int64_t frames = 3000) {
  return cut_window(decoded, small_vocabulary().tokens, seek, frames);
}

TEST(Segmenter, PairsCutAndTheUnfinishedRestIsHeardAgain) {
  const WindowCut result = cut({at(0), 1, 2, at(0.5), at(0.6), 3, at(1.2), at(1.2), 4, 5}, 1000);
  ASSERT_EQ(result.segments.size(), 2U);
  EXPECT_NEAR(result.segments[0].start, 10.0, 1e-9);
  EXPECT_NEAR(result.segments[0].end, 10.5, 1e-9);
  EXPECT_NEAR(result.segments[1].start, 10.6, 1e-9);
  EXPECT_NEAR(result.segments[1].end, 11.2, 1e-9);
  EXPECT_EQ(result.segments[1].tokens, (std::vector<TokenId>{at(0.6), 3, at(1.2)}));
  EXPECT_EQ(result.next_seek, 1120);
}

TEST(Segmenter, OneTimestampAtTheEndMeansSilenceUpToTheWindowsEnd) {
  const WindowCut result = cut({at(0), 1, at(0.5), at(0.5), 2, at(1)}, 0, 2500);
  ASSERT_EQ(result.segments.size(), 2U);
  EXPECT_NEAR(result.segments[1].end, 1.0, 1e-9);
  EXPECT_EQ(result.next_seek, 2500);
}

TEST(Segmenter, TwoTimestampsAtTheEndContinueBehindThem) {
  const WindowCut result = cut({at(0), 1, at(1.5), at(1.5)}, 300);
  ASSERT_EQ(result.segments.size(), 1U);
  EXPECT_EQ(result.next_seek, 450);
}

TEST(Segmenter, WithoutPairsTheWindowIsOneSegment) {
  EXPECT_NEAR(cut({at(0), 1, 2, at(1.5)}).segments[0].end, 1.5, 1e-9);
  EXPECT_NEAR(cut({at(0), 1, 2}).segments[0].end, 30.0, 1e-9);
  EXPECT_NEAR(cut({1, 2}, 100, 1234).segments[0].end, 13.34, 1e-9);
  EXPECT_EQ(cut({1, 2}, 100, 1234).next_seek, 1334);
  EXPECT_EQ(cut({}, 100, 1234).next_seek, 1334);
}

TEST(Segmenter, AlwaysMovesOn) { EXPECT_GT(cut({at(0), at(0), 1}, 700).next_seek, 700); }

/// Segments without text or length are not recorded, so they are left out here too.
bool is_kept(const TimedTokens& segment, const text::WhisperTokens& tokens) {
  const auto is_text = [&](TokenId id) { return tokens.is_text(id); };
  return segment.start != segment.end &&
         std::any_of(segment.tokens.begin(), segment.tokens.end(), is_text);
}

TEST(Segmenter, CutsEveryRecordedWindowAsFasterWhisperDid) {
  for (const char* model : {"tiny.en", "base"}) {
    const text::WhisperTokens tokens =
        text::WhisperTokens::of_size(std::string(model) == "base" ? 51865 : 51864).value();
    for (const nlohmann::json& clip : recorded_clips(model)) {
      const int64_t content = clip["samples"].get<int64_t>() / 160;
      int64_t seek = 0;
      std::vector<TimedTokens> segments;
      std::vector<int64_t> seeks;
      for (const nlohmann::json& window : clip["windows"]) {
        ASSERT_LT(seek, content) << clip["id"];
        const std::vector<TokenId> decoded = window["tokens"];
        const WindowCut result =
            cut_window(decoded, tokens, seek, std::min<int64_t>(3000, content - seek));
        for (const TimedTokens& segment : result.segments) {
          if (!is_kept(segment, tokens)) continue;
          segments.push_back(segment);
          seeks.push_back(seek);
        }
        seek = result.next_seek;
      }
      EXPECT_GE(seek, content) << clip["id"] << " ends early";
      ASSERT_EQ(segments.size(), clip["segments"].size()) << model << " " << clip["id"];
      for (size_t i = 0; i < segments.size(); ++i) {
        const nlohmann::json& expected = clip["segments"][i];
        EXPECT_EQ(seeks[i], expected["seek"].get<int64_t>());
        EXPECT_NEAR(segments[i].start, expected["start"].get<double>(), 6e-4);
        EXPECT_NEAR(segments[i].end, expected["end"].get<double>(), 6e-4);
        EXPECT_EQ(segments[i].tokens, expected["tokens"].get<std::vector<TokenId>>());
      }
    }
  }
}

}  // namespace
}  // namespace tenwatt::hearing
