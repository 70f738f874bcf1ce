#include "tenwatt/bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>

#include "api/model_impl.h"
#include "base/memory.h"
#include "base/random.h"

namespace tenwatt {
namespace {

// Larger than the last-level caches of the machines that this is for.
constexpr size_t kProbeBytes = size_t{256} << 20;
constexpr int kProbePasses = 5;

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Sums words in eight lanes, so that the loads and not the additions set the pace.
uint64_t sum_words(const uint64_t* words, int64_t begin, int64_t end) {
  uint64_t lanes[8] = {};
  for (int64_t i = begin; i + 8 <= end; i += 8) {
    for (int lane = 0; lane < 8; ++lane) lanes[lane] += words[i + lane];
  }
  uint64_t sum = 0;
  for (uint64_t lane : lanes) sum += lane;
  return sum;
}

/// Tokens per second of `generate` greedy tokens after `first`, from an empty context.
Result<double> decode_speed(const thinking::LanguageEngine& engine, int32_t first, int64_t generate,
                            const CancelFlag* cancel) {
  decoding::Sequence sequence = engine.open_sequence();
  int32_t next = first;
  const Stopwatch watch;
  for (int64_t token = 0; token < generate; ++token) {
    TENWATT_TRY(sequence.append(std::span(&next, 1), cancel));
    next = decoding::argmax(sequence.logits());
  }
  return static_cast<double>(generate) / watch.seconds();
}

}  // namespace

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1000.0;
}

Result<double> measure_read_bandwidth(const std::shared_ptr<Runtime>& runtime) {
  const HugeBuffer buffer = TENWATT_TRY(HugeBuffer::allocate(kProbeBytes));
  Team& team = *runtime->impl().team;
  auto* words = reinterpret_cast<uint64_t*>(buffer.data());
  const auto count = static_cast<int64_t>(kProbeBytes / sizeof(uint64_t));
  std::atomic<uint64_t> sink{0};
  team.run([&](Member& member) {
    const Member::Share share = member.share(count, 4096);
    std::fill(words + share.begin, words + share.end, uint64_t{1});
  });
  double best = 0;
  for (int pass = 0; pass < kProbePasses; ++pass) {
    const Stopwatch watch;
    team.run([&](Member& member) {
      const Member::Share share = member.share(count, 4096);
      sink += sum_words(words, share.begin, share.end);
    });
    best = std::max(best, static_cast<double>(kProbeBytes) / watch.seconds() / 1e9);
  }
  if (sink != static_cast<uint64_t>(count) * kProbePasses) {
    return fail(ErrorCode::kInternal, "the bandwidth probe read something else than it wrote");
  }
  return best;
}

Result<LanguageBench> bench_language(const std::shared_ptr<Runtime>& runtime,
                                     const std::string& model_name, int64_t prompt_tokens,
                                     int64_t generate, int repeat, const CancelFlag* cancel) {
  if (prompt_tokens < 1 || generate < 1 || repeat < 1) {
    return fail(ErrorCode::kUsage,
                "a bench needs at least one prompt token, one generated token and one repeat");
  }
  const auto model = TENWATT_TRY(Model::open(runtime, model_name));
  const thinking::LanguageEngine& engine = *model->impl().engine;
  if (prompt_tokens > engine.context() || generate > engine.context()) {
    return fail(ErrorCode::kUsage,
                std::to_string(prompt_tokens) + " prompt tokens or " + std::to_string(generate) +
                    " generated ones don't fit the model's context",
                "choose at most " + std::to_string(engine.context()) + " of each");
  }
  LanguageBench bench;
  bench.model = model_name;
  bench.threads = runtime->threads();
  bench.prompt_tokens = prompt_tokens;
  bench.generated = generate;
  bench.bytes_per_token = model->facts().bytes_per_token;
  bench.load_ms = 1000 * model->facts().load_seconds;
  Random random(1);
  std::vector<int32_t> prompt;
  for (int64_t i = 0; i < prompt_tokens; ++i) {
    prompt.push_back(
        static_cast<int32_t>(random.below(static_cast<uint64_t>(engine.vocabulary()))));
  }
  std::vector<double> prefill;
  std::vector<double> decode;
  std::vector<double> first;
  for (int i = 0; i < repeat; ++i) {
    bench.roof_gb_s = std::max(bench.roof_gb_s, TENWATT_TRY(measure_read_bandwidth(runtime)));
    decoding::Sequence sequence = engine.open_sequence();
    const Stopwatch watch;
    TENWATT_TRY(sequence.append(prompt, cancel));
    prefill.push_back(static_cast<double>(prompt_tokens) / watch.seconds());
    first.push_back(1000 * watch.seconds());
    decode.push_back(TENWATT_TRY(decode_speed(engine, prompt.front(), generate, cancel)));
  }
  bench.prefill_tokens_per_second = median(prefill);
  bench.decode_tokens_per_second = median(decode);
  bench.first_token_ms = median(first);
  bench.bandwidth_gb_s =
      bench.decode_tokens_per_second * static_cast<double>(bench.bytes_per_token) / 1e9;
  bench.roofline_fraction = bench.bandwidth_gb_s / bench.roof_gb_s;
  bench.peak_rss_mb = peak_rss_mb();
  return bench;
}

}  // namespace tenwatt
