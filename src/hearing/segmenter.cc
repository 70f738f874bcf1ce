#include "hearing/segmenter.h"

#include <algorithm>

namespace tenwatt::hearing {
namespace {

using text::TokenId;
using text::WhisperTokens;

double seconds(int64_t frame) { return static_cast<double>(frame) * kSecondsPerFrame; }

/// Where one segment's closing timestamp is followed by the next one's opening timestamp: the
/// indices of the latter.
std::vector<size_t> pair_starts(std::span<const TokenId> decoded, const WhisperTokens& tokens) {
  std::vector<size_t> starts;
  for (size_t i = 1; i < decoded.size(); ++i) {
    if (tokens.is_timestamp(decoded[i]) && tokens.is_timestamp(decoded[i - 1])) starts.push_back(i);
  }
  return starts;
}

/// One timestamp at the very end, after text: nothing is said between it and the window's end.
bool ends_in_silence(std::span<const TokenId> decoded, const WhisperTokens& tokens) {
  const size_t n = decoded.size();
  return n >= 2 && !tokens.is_timestamp(decoded[n - 2]) && tokens.is_timestamp(decoded[n - 1]);
}

class Cutter {
 public:
  Cutter(std::span<const TokenId> decoded, const WhisperTokens& tokens, int64_t seek,
         int64_t frames)
      : decoded_(decoded), tokens_(tokens), seek_(seek), frames_(frames) {}

  WindowCut at_pairs(std::vector<size_t> ends) const {
    WindowCut cut;
    cut.next_seek = seek_ + frames_;
    const bool complete = ends_in_silence(decoded_, tokens_);
    if (complete) ends.push_back(decoded_.size());
    size_t first = 0;
    for (size_t end : ends) {
      cut.segments.push_back(
          {time_of(decoded_[first]), time_of(decoded_[end - 1]), copy(first, end)});
      first = end;
    }
    // What follows the last pair is unfinished and is heard again.
    if (!complete) cut.next_seek = seek_ + steps(decoded_[first - 1]) * kFramesPerTimestamp;
    return cut;
  }

  WindowCut whole() const {
    double end = seconds(seek_) + seconds(frames_);
    for (size_t i = decoded_.size(); i-- > 0;) {
      if (!tokens_.is_timestamp(decoded_[i])) continue;
      if (steps(decoded_[i]) != 0) end = time_of(decoded_[i]);
      break;
    }
    return {{{seconds(seek_), end, copy(0, decoded_.size())}}, seek_ + frames_};
  }

 private:
  /// Since the window's start; 0 for a token that is no timestamp, which only a decoder without
  /// rules puts there.
  int64_t steps(TokenId timestamp) const {
    return std::max<TokenId>(timestamp - tokens_.first_timestamp, 0);
  }
  double time_of(TokenId timestamp) const {
    return seconds(seek_) + static_cast<double>(steps(timestamp)) * kSecondsPerTimestamp;
  }
  std::vector<TokenId> copy(size_t first, size_t end) const {
    return {decoded_.begin() + static_cast<int64_t>(first),
            decoded_.begin() + static_cast<int64_t>(end)};
  }

  std::span<const TokenId> decoded_;
  const WhisperTokens& tokens_;
  int64_t seek_;
  int64_t frames_;
};

}  // namespace

WindowCut cut_window(std::span<const TokenId> decoded, const WhisperTokens& tokens, int64_t seek,
                     int64_t frames) {
  const Cutter cutter(decoded, tokens, seek, frames);
  std::vector<size_t> pairs = pair_starts(decoded, tokens);
  WindowCut cut = pairs.empty() ? cutter.whole() : cutter.at_pairs(std::move(pairs));
  // A pair of timestamps at the window's start would make us hear the same window for ever.
  if (cut.next_seek <= seek) cut.next_seek = seek + frames;
  return cut;
}

}  // namespace tenwatt::hearing
