// A program that knows only the installed package: it transcribes a question, asks a model, speaks
// the answer while it comes, listens to what it spoke, and tries what a host program relies on
// besides: conversations that fork and are saved, cancelling, several threads on one runtime, the
// log, a network. What it found goes to standard output as `name: value` lines for 07-package.py.
//   outside QUESTION.wav ANSWER.wav MODEL RECOGNISER VOICE NETWORK
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tenwatt/tenwatt.h"

namespace {

using tenwatt::ErrorCode;
using tenwatt::Result;
using tenwatt::Status;

struct Words {
  std::string question;
  std::string answer;
  std::string model;
  std::string recognizer;
  std::string voice;
  std::string network;
};

void tell(const char* name, const std::string& value) {
  std::string line = value;
  for (char& letter : line) {
    if (letter == '\n') letter = ' ';
  }
  std::printf("%s: %s\n", name, line.c_str());
}

Status expect(bool holds, const std::string& what) {
  if (holds) return {};
  return tenwatt::fail(ErrorCode::kInternal, "not so: " + what);
}

/// The text of a recording, from its segments as they come.
Result<std::string> transcribe(const tenwatt::Recognizer& recognizer, const std::string& file) {
  const std::vector<float> speech = TENWATT_TRY(tenwatt::read_speech(file));
  std::string heard;
  const auto transcript = TENWATT_TRY(recognizer.transcribe(
      speech, {}, [&](const tenwatt::TranscriptSegment& segment) { heard += segment.text; }));
  TENWATT_TRY(expect(!transcript.segments.empty(), "a recording has segments"));
  TENWATT_TRY(expect(heard.find(transcript.text) != std::string::npos,
                     "the segments together are the transcript"));
  const std::string subtitles = TENWATT_TRY(tenwatt::format_transcript(transcript, "srt"));
  TENWATT_TRY(expect(subtitles.find("-->") != std::string::npos, "subtitles have times"));
  return transcript.text;
}

/// Answers the question and speaks every clause of the answer as soon as it is written.
Result<std::string> ask_and_speak(tenwatt::Chat& chat, const std::shared_ptr<tenwatt::Voice>& voice,
                                  const std::string& question, const std::string& file) {
  const auto writer = TENWATT_TRY(tenwatt::SoundWriter::open(file, "wav", voice->sample_rate()));
  tenwatt::SayOptions say;
  say.noise = 0;
  const auto speech = TENWATT_TRY(tenwatt::Speech::open(
      voice, say, [&](std::span<const float> samples) { return writer->write(samples); }));
  tenwatt::GenerateOptions options;
  options.max_tokens = 48;
  Status pushed;
  const auto generation = TENWATT_TRY(chat.send(question, options, [&](std::string_view piece) {
    pushed = speech->push(piece);
    return pushed.has_value();
  }));
  TENWATT_TRY(std::move(pushed));
  const tenwatt::SayStats stats = TENWATT_TRY(speech->finish());
  TENWATT_TRY(writer->close());
  TENWATT_TRY(expect(stats.audio_seconds > 0.2, "the answer has a sound"));
  tell("spoken", speech->spoken());
  return generation.text;
}

/// A fork and a saved copy answer as the conversation itself does, and leave each other alone.
Status fork_and_save(const std::shared_ptr<tenwatt::Model>& model, const tenwatt::Chat& chat) {
  tenwatt::GenerateOptions options;
  options.max_tokens = 12;
  const auto fork = TENWATT_TRY(chat.fork());
  const std::string saved = TENWATT_TRY(chat.save());
  const auto loaded = TENWATT_TRY(tenwatt::Chat::load(model, saved));
  const auto one = TENWATT_TRY(fork->send("And of Italy?", options));
  const auto two = TENWATT_TRY(loaded->send("And of Italy?", options));
  TENWATT_TRY(expect(one.ids == two.ids, "a fork and a saved copy go on alike"));
  TENWATT_TRY(expect(one.stats.prompt_tokens < chat.tokens(), "what was read is not read again"));
  TENWATT_TRY(expect(chat.history().size() + 2 == fork->history().size(), "forks are independent"));
  const auto damaged = tenwatt::Chat::load(model, std::string_view(saved).substr(1));
  TENWATT_TRY(
      expect(!damaged && damaged.error().code == ErrorCode::kCorrupt, "damaged bytes are refused"));
  return {};
}

/// The same text from two threads at once, and a call that is cancelled before it begins.
Status share(const tenwatt::Model& model) {
  tenwatt::GenerateOptions options;
  options.max_tokens = 16;
  const auto alone = TENWATT_TRY(model.generate("The sea is", options));
  std::vector<std::string> texts(2);
  std::vector<std::thread> threads;
  for (std::string& text : texts) {
    threads.emplace_back([&] {
      const auto generation = model.generate("The sea is", options);
      text = generation ? generation->text : generation.error().message;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& text : texts) {
    TENWATT_TRY(expect(text == alone.text, "two threads get what one gets, and not " + text));
  }
  const tenwatt::CancelFlag cancel = true;
  options.cancel = &cancel;
  const auto cancelled = model.generate("The sea is", options);
  return expect(!cancelled && cancelled.error().code == ErrorCode::kCancelled,
                "a cancelled call says so");
}

/// y = x + x by name and type, and what is refused.
Status run_network(const std::shared_ptr<tenwatt::Runtime>& runtime, const std::string& path) {
  const auto network = TENWATT_TRY(tenwatt::Network::open(runtime, path));
  TENWATT_TRY(expect(network->inputs().size() == 1 && network->inputs()[0].name == "x",
                     "the network has the input x"));
  const std::vector<float> values = {1, -2, 0.5F};
  std::map<std::string, tenwatt::Array> inputs;
  inputs["x"] = TENWATT_TRY(tenwatt::make_array<float>({3}, values));
  const auto outputs = TENWATT_TRY(network->run(inputs));
  const auto found = outputs.find("y");
  TENWATT_TRY(expect(found != outputs.end(), "the network has the output y"));
  const auto sums = TENWATT_TRY(tenwatt::array_values<float>(found->second));
  TENWATT_TRY(
      expect(std::vector(sums.begin(), sums.end()) == std::vector<float>{2, -4, 1}, "y is x + x"));
  TENWATT_TRY(expect(!tenwatt::array_values<int64_t>(found->second), "y holds no integers"));
  TENWATT_TRY(expect(!tenwatt::make_array<float>({4}, values), "three values are not four"));
  const auto missing = network->run({});
  return expect(!missing && missing.error().code == ErrorCode::kInvalidArgument,
                "a missing input is refused");
}

Status run(const Words& words) {
  tell("version", std::string(tenwatt::version()));
  std::vector<std::string> messages;
  tenwatt::set_log_sink(
      [&](tenwatt::LogLevel, std::string_view text) { messages.emplace_back(text); });
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create({.threads = 2}));
  TENWATT_TRY(expect(!runtime->devices().empty(), "there is a device"));
  TENWATT_TRY(expect(!tenwatt::instruction_levels().empty(), "there is an instruction level"));
  const auto missing = tenwatt::Model::open(runtime, "/no/such/model.gguf");
  TENWATT_TRY(expect(!missing, "a model that is not there is an error"));
  tell("missing", std::string(tenwatt::error_name(missing.error().code)));

  const auto recognizer = TENWATT_TRY(tenwatt::Recognizer::open(runtime, words.recognizer));
  const std::string question = TENWATT_TRY(transcribe(*recognizer, words.question));
  tell("transcript", question);

  const auto model = TENWATT_TRY(tenwatt::Model::open(runtime, words.model));
  const auto voice = TENWATT_TRY(tenwatt::Voice::open(runtime, words.voice));
  const auto chat = TENWATT_TRY(tenwatt::Chat::open(model, "Answer in one short sentence."));
  tell("answer", TENWATT_TRY(ask_and_speak(*chat, voice, question, words.answer)));
  tell("heard", TENWATT_TRY(transcribe(*recognizer, words.answer)));

  TENWATT_TRY(fork_and_save(model, *chat));
  TENWATT_TRY(share(*model));
  TENWATT_TRY(run_network(runtime, words.network));
  tenwatt::log_warning("a message of the host");
  tenwatt::set_log_sink({});
  return expect(!messages.empty() && messages.back() == "a message of the host",
                "the host gets the log");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: outside QUESTION.wav ANSWER.wav MODEL RECOGNISER VOICE NETWORK\n");
    return 2;
  }
  const Status status = run({argv[1], argv[2], argv[3], argv[4], argv[5], argv[6]});
  if (status) return 0;
  const tenwatt::Error& error = status.error();
  std::fprintf(stderr, "error (%s): %s\n  try: %s\n", tenwatt::error_name(error.code).data(),
               error.message.c_str(), error.remedy.c_str());
  return tenwatt::exit_code(error.code);
}
