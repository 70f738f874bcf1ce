// Speech to text: prints each segment of a recording when it is final.
//   transcribe FILE.wav [RECOGNISER]
#include <cstdio>
#include <string>

#include "tenwatt/recognizer.h"

namespace {

tenwatt::Status transcribe(const std::string& file, const std::string& recognizer_name) {
  // Threads and devices, shared by everything that follows.
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create());
  const auto recognizer = TENWATT_TRY(tenwatt::Recognizer::open(runtime, recognizer_name));

  // Any rate and number of channels; what comes back is what recognisers take.
  const auto speech = TENWATT_TRY(tenwatt::read_speech(file));
  const auto transcript =
      TENWATT_TRY(recognizer->transcribe(speech, {}, [](const tenwatt::TranscriptSegment& segment) {
        std::printf("%7.2f %7.2f %s\n", segment.start, segment.end, segment.text.c_str());
        std::fflush(stdout);
      }));
  std::fprintf(stderr, "%.1f s of sound in %.1f s\n", transcript.audio_seconds,
               transcript.wall_seconds);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: transcribe FILE.wav [RECOGNISER]\n");
    return 2;
  }
  const auto status = transcribe(argv[1], argc > 2 ? argv[2] : "whisper-base");
  if (status) return 0;
  // What was wrong, and what helps: a missing model names the command that pulls it.
  std::fprintf(stderr, "error: %s\n  try: %s\n", status.error().message.c_str(),
               status.error().remedy.c_str());
  return tenwatt::exit_code(status.error().code);
}
