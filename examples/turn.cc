// A whole voice turn: a spoken question from a WAV file, a spoken answer into another one, and
// where the time went.
//   turn QUESTION.wav ANSWER.wav [MODEL RECOGNISER VOICE]
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "tenwatt/assistant.h"

namespace {

tenwatt::Status turn(const std::string& question, const std::string& answer,
                     const tenwatt::AssistantOptions& parts) {
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create());
  const auto assistant = TENWATT_TRY(tenwatt::Assistant::create(runtime, parts));
  // Otherwise the models load inside the first turn.
  TENWATT_TRY(assistant->load());
  const auto rate = TENWATT_TRY(assistant->sample_rate());
  const auto writer = TENWATT_TRY(tenwatt::SoundWriter::open(answer, "wav", rate));
  const auto speech = TENWATT_TRY(tenwatt::read_speech(question));

  // Everything is told as it happens: the sound of the first clause comes while the model still
  // writes the next one.
  tenwatt::Assistant::Listener listener;
  listener.on_question = [](std::string_view text) {
    std::printf("> %.*s\n", static_cast<int>(text.size()), text.data());
  };
  listener.on_text = [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    return true;
  };
  listener.on_samples = [&](std::span<const float> samples) { return writer->write(samples); };

  tenwatt::AskOptions options;
  options.generate.max_tokens = 64;
  const auto done = TENWATT_TRY(assistant->ask(speech, options, listener));
  TENWATT_TRY(writer->close());
  const tenwatt::TurnAccount& account = done.account;
  std::printf(
      "\n%.2f s heard in %.2f s, first sound after %.2f s, %.2f s of sound, %.2f s in all\n",
      account.audio_in_seconds, account.transcribe_seconds, account.first_audio_seconds,
      account.audio_out_seconds, account.total_seconds);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 6) {
    std::fprintf(stderr, "usage: turn QUESTION.wav ANSWER.wav [MODEL RECOGNISER VOICE]\n");
    return 2;
  }
  tenwatt::AssistantOptions parts;
  if (argc == 6) {
    parts.model = argv[3];
    parts.recognizer = argv[4];
    parts.voice = argv[5];
  }
  const auto status = turn(argv[1], argv[2], parts);
  if (status) return 0;
  std::fprintf(stderr, "error: %s\n  try: %s\n", status.error().message.c_str(),
               status.error().remedy.c_str());
  return tenwatt::exit_code(status.error().code);
}
