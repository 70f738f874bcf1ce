#include "hearing/transcript_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tenwatt::hearing {
namespace {

struct ClockTime {
  int64_t hours, minutes, seconds, milliseconds;
};

int64_t milliseconds(double seconds) { return std::max<int64_t>(std::llround(seconds * 1000), 0); }

ClockTime clock_time(double seconds) {
  const int64_t ms = milliseconds(seconds);
  return {ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000};
}

/// "01:02:03,456"; the decimal mark is the format's.
std::string stamp(double seconds, char mark) {
  const ClockTime t = clock_time(seconds);
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", t.hours, t.minutes, t.seconds, mark,
                     t.milliseconds);
}

/// A cue is ended by an empty line and its times contain an arrow; a text must hold neither.
std::string cue_text(const std::string& text) {
  std::string cue = trimmed(text);
  std::replace(cue.begin(), cue.end(), '\n', ' ');
  for (size_t at = cue.find("-->"); at != std::string::npos; at = cue.find("-->", at)) {
    cue.replace(at, 3, "->");
  }
  return cue;
}

std::string escaped_for_vtt(const std::string& text) {
  std::string escaped;
  for (char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else
      escaped += c;
  }
  return escaped;
}

std::string quoted_for_csv(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string to_txt(const Transcript& transcript) {
  std::string out;
  for (const Segment& segment : transcript.segments) out += trimmed(segment.text) + "\n";
  return out;
}

std::string to_srt(const Transcript& transcript) {
  std::string out;
  int64_t number = 0;
  for (const Segment& segment : transcript.segments) {
    out += fmt::format("{}\n{} --> {}\n{}\n\n", ++number, stamp(segment.start, ','),
                       stamp(segment.end, ','), cue_text(segment.text));
  }
  return out;
}

std::string to_vtt(const Transcript& transcript) {
  std::string out = "WEBVTT\n\n";
  for (const Segment& segment : transcript.segments) {
    out += fmt::format("{} --> {}\n{}\n\n", stamp(segment.start, '.'), stamp(segment.end, '.'),
                       escaped_for_vtt(cue_text(segment.text)));
  }
  return out;
}

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

std::string to_json(const Transcript& transcript) {
  using Json = nlohmann::ordered_json;
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) {
    segments.push_back({{"id", segment.id},
                        {"seek", segment.seek},
                        {"start", static_cast<double>(milliseconds(segment.start)) / 1000},
                        {"end", static_cast<double>(milliseconds(segment.end)) / 1000},
                        {"text", segment.text},
                        {"tokens", segment.tokens},
                        {"temperature", rounded(segment.temperature, 1e-3)},
                        {"avg_logprob", segment.avg_logprob},
                        {"compression_ratio", segment.compression_ratio},
                        {"no_speech_prob", segment.no_speech_prob}});
  }
  const Json root = {{"language", transcript.language},
                     {"language_probability", transcript.language_probability},
                     {"duration", static_cast<double>(milliseconds(transcript.duration)) / 1000},
                     {"text", transcript.text()},
                     {"segments", std::move(segments)}};
  return root.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_csv(const Transcript& transcript) {
  std::string out = "start,end,text\n";
  for (const Segment& segment : transcript.segments) {
    out += fmt::format("{},{},{}\n", milliseconds(segment.start), milliseconds(segment.end),
                       quoted_for_csv(trimmed(segment.text)));
  }
  return out;
}

std::string to_lrc(const Transcript& transcript) {
  std::string out;
  for (const Segment& segment : transcript.segments) {
    const ClockTime t = clock_time(segment.start);
    out += fmt::format("[{:02}:{:02}.{:02}]{}\n", 60 * t.hours + t.minutes, t.seconds,
                       t.milliseconds / 10, cue_text(segment.text));
  }
  return out;
}

struct FormatRow {
  TranscriptFormat format;
  std::string_view name;
  std::string (*write)(const Transcript&);
};

constexpr std::array kFormats = {
    FormatRow{TranscriptFormat::kTxt, "txt", to_txt},
    FormatRow{TranscriptFormat::kSrt, "srt", to_srt},
    FormatRow{TranscriptFormat::kVtt, "vtt", to_vtt},
    FormatRow{TranscriptFormat::kJson, "json", to_json},
    FormatRow{TranscriptFormat::kCsv, "csv", to_csv},
    FormatRow{TranscriptFormat::kLrc, "lrc", to_lrc},
};

}  // namespace

std::optional<TranscriptFormat> transcript_format(std::string_view name) {
  for (const FormatRow& row : kFormats) {
    if (row.name == name) return row.format;
  }
  return std::nullopt;
}

std::string transcript_format_names() {
  std::string names;
  for (const FormatRow& row : kFormats) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

std::string write_transcript(const Transcript& transcript, TranscriptFormat format) {
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return row.write(transcript);
  }
  return {};
}

}  // namespace tenwatt::hearing
