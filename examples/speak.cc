// Text to speech: writes the sound of a text to a WAV file while it is made.
//   speak TEXT FILE.wav [VOICE]
#include <cstdio>
#include <span>
#include <string>

#include "tenwatt/voice.h"

namespace {

tenwatt::Status speak(const std::string& text, const std::string& file,
                      const std::string& voice_name) {
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create());
  const auto voice = TENWATT_TRY(tenwatt::Voice::open(runtime, voice_name));
  const auto writer = TENWATT_TRY(tenwatt::SoundWriter::open(file, "wav", voice->sample_rate()));

  tenwatt::SayOptions options;
  options.seed = 1;  // the same sound every time
  // The first samples come long before the last word is computed. An error of the callback, such as
  // a full disk, ends the speech.
  const auto said = TENWATT_TRY(voice->say(
      text, options, [&](std::span<const float> samples) { return writer->write(samples); }));
  TENWATT_TRY(writer->close());
  std::printf("%.2f s of sound in %.2f s, the first of it after %.2f s\n", said.audio_seconds,
              said.wall_seconds, said.first_audio_seconds);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: speak TEXT FILE.wav [VOICE]\n");
    return 2;
  }
  const auto status = speak(argv[1], argv[2], argc > 3 ? argv[3] : "en_US-joe-medium");
  if (status) return 0;
  std::fprintf(stderr, "error: %s\n  try: %s\n", status.error().message.c_str(),
               status.error().remedy.c_str());
  return tenwatt::exit_code(status.error().code);
}
