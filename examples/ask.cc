// A language model: two questions of one conversation, printed as they are answered. Ctrl-C stops
// an answer.
//   ask QUESTION [MODEL]     (no model: this machine's default)
#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>

#include "tenwatt/model.h"

namespace {

// Set by the signal handler, polled by the engine.
tenwatt::CancelFlag stop = false;

tenwatt::Status ask(const std::string& question, const std::string& model_name) {
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create());
  const auto model = TENWATT_TRY(tenwatt::Model::open(runtime, model_name));
  const auto chat = TENWATT_TRY(tenwatt::Chat::open(model, "Answer in one short sentence."));

  tenwatt::GenerateOptions options;
  options.max_tokens = 64;
  options.cancel = &stop;
  const auto show = [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
    return true;  // false would end the answer here
  };
  // The second turn reads only its own words: what went before is kept.
  for (const std::string& text : {question, std::string("Are you sure?")}) {
    std::printf("> %s\n", text.c_str());
    const auto answer = TENWATT_TRY(chat->send(text, options, show));
    std::printf("\n");
    std::fprintf(stderr, "[%s; %lld tokens read, %lld written in %.2f s]\n", answer.stop.c_str(),
                 static_cast<long long>(answer.stats.prompt_tokens),
                 static_cast<long long>(answer.stats.generated_tokens),
                 answer.stats.decode_seconds);
    if (answer.stop == "cancelled") break;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: ask QUESTION [MODEL]\n");
    return 2;
  }
  std::signal(SIGINT, [](int) { stop = true; });
  const auto status = ask(argv[1], argc > 2 ? argv[2] : "");
  if (status) return 0;
  std::fprintf(stderr, "error: %s\n  try: %s\n", status.error().message.c_str(),
               status.error().remedy.c_str());
  return tenwatt::exit_code(status.error().code);
}
