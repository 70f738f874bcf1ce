// Transcripts as text: one function, a table of formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hearing/transcript.h"

namespace tenwatt::hearing {

enum class TranscriptFormat : uint8_t {
  kTxt,   ///< a line per segment
  kSrt,   ///< SubRip subtitles
  kVtt,   ///< WebVTT subtitles
  kJson,  ///< everything
  kCsv,   ///< start and end in milliseconds, text (RFC 4180)
  kLrc,   ///< lyrics with times
};

/// "srt" -> kSrt.
std::optional<TranscriptFormat> transcript_format(std::string_view name);
/// "txt, srt, ..." for messages.
std::string transcript_format_names();

/// The whole transcript, ending in a newline unless it is empty.
std::string write_transcript(const Transcript& transcript, TranscriptFormat format);

}  // namespace tenwatt::hearing
