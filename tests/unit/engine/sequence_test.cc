// What the numeric contract promises of sequences: the bits of a row's result depend only on its
// own sequence's tokens and positions.
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "engine/program.h"
#include "tiny_models.h"

namespace tenwatt::engine {
namespace {

using testing::cpu_options;
using testing::kVocabulary;
using testing::prepare;
using testing::tiny_llama;

std::vector<int32_t> random_ids(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>(random.below(kVocabulary)));
  return ids;
}

std::vector<int64_t> all_rows(int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

/// Runs ids through a session in the given piece sizes (the last one repeats); all rows' logits.
std::vector<float> logits_in_pieces(const Program& program, Session& session,
                                    std::span<const int32_t> ids, int64_t piece) {
  std::vector<float> logits;
  while (!ids.empty()) {
    const auto rows = std::min<int64_t>(piece, static_cast<int64_t>(ids.size()));
    Batch batch;
    batch.slices.push_back({&session, rows, all_rows(rows)});
    batch.inputs.emplace("ids", Tensor::of(ids.first(static_cast<size_t>(rows)), {rows}));
    auto outputs = program.run(batch);
    EXPECT_TRUE(outputs) << outputs.error().message;
    if (!outputs) return {};
    const auto values = (*outputs)[0].values<float>();
    logits.insert(logits.end(), values.begin(), values.end());
    ids = ids.subspan(static_cast<size_t>(rows));
  }
  return logits;
}

std::vector<float> logits_of(const Program& program, std::span<const int32_t> ids, int64_t piece) {
  const auto session = program.open_session();
  return logits_in_pieces(program, *session, ids, piece);
}

TEST(RowInvariance, OverThreadsAndDelays) {
  const std::vector<int32_t> ids = random_ids(150, 1);
  const auto one = prepare(tiny_llama(), cpu_options(1));
  const std::vector<float> expected = logits_of(*one, ids, 64);
  ASSERT_EQ(expected.size(), ids.size() * kVocabulary);
  for (int threads : {2, 3, 7}) {
    const auto program = prepare(tiny_llama(), cpu_options(threads));
    EXPECT_EQ(logits_of(*program, ids, 64), expected) << threads << " threads";
    program->team().set_delay([](int member) {
      if (member % 2 == 1) std::this_thread::sleep_for(std::chrono::microseconds(50));
    });
    EXPECT_EQ(logits_of(*program, ids, 64), expected) << threads << " delayed threads";
  }
}

TEST(RowInvariance, OverPieces) {
  const std::vector<int32_t> ids = random_ids(200, 2);
  const auto program = prepare(tiny_llama(256), cpu_options());
  const std::vector<float> whole = logits_of(*program, ids, 200);
  for (int64_t piece : {1, 7, 16, 17, 33, 128}) {
    EXPECT_EQ(logits_of(*program, ids, piece), whole) << "pieces of " << piece;
  }
}

TEST(RowInvariance, AloneAndAsOneOfThreeSlicesAtOtherPositions) {
  const auto program = prepare(tiny_llama(), cpu_options());
  const std::vector<int32_t> ids[3] = {random_ids(20, 3), random_ids(90, 4), random_ids(47, 5)};
  const int64_t before[3] = {3, 70, 31};
  std::vector<float> alone[3];
  std::unique_ptr<Session> sessions[3];
  for (int i = 0; i < 3; ++i) {
    const std::span<const int32_t> all = ids[i];
    const auto lone = program->open_session();
    logits_in_pieces(*program, *lone, all.first(static_cast<size_t>(before[i])), 64);
    alone[i] = logits_in_pieces(*program, *lone, all.subspan(static_cast<size_t>(before[i])), 64);
    sessions[i] = program->open_session();
    logits_in_pieces(*program, *sessions[i], all.first(static_cast<size_t>(before[i])), 64);
  }
  Batch batch;
  std::vector<int32_t> together;
  for (int i = 0; i < 3; ++i) {
    const auto rows = static_cast<int64_t>(ids[i].size()) - before[i];
    batch.slices.push_back({sessions[i].get(), rows, all_rows(rows)});
    together.insert(together.end(), ids[i].begin() + before[i], ids[i].end());
  }
  const auto count = static_cast<int64_t>(together.size());
  batch.inputs.emplace("ids", Tensor::of(std::span<const int32_t>(together), {count}));
  const auto outputs = program->run(batch);
  ASSERT_TRUE(outputs) << outputs.error().message;
  const auto values = (*outputs)[0].values<float>();
  size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    const std::vector<float> slice(values.begin() + static_cast<ptrdiff_t>(at),
                                   values.begin() + static_cast<ptrdiff_t>(at + alone[i].size()));
    EXPECT_EQ(slice, alone[i]) << "slice " << i;
    EXPECT_EQ(sessions[i]->length(), static_cast<int64_t>(ids[i].size()));
    at += alone[i].size();
  }
}

TEST(Session, ForkTruncateSaveAndLoadGoOnWithTheSameBits) {
  const auto program = prepare(tiny_llama(), cpu_options());
  const std::vector<int32_t> head = random_ids(100, 6);
  const std::vector<int32_t> tail = random_ids(60, 7);
  const auto session = program->open_session();
  logits_in_pieces(*program, *session, head, 64);

  auto fork = session->fork();
  ASSERT_TRUE(fork);
  auto saved = session->save();
  ASSERT_TRUE(saved) << saved.error().message;
  const std::vector<float> expected = logits_in_pieces(*program, *session, tail, 64);
  // The fork shares pages with a session that has since written past the shared end.
  EXPECT_EQ(logits_in_pieces(*program, **fork, tail, 64), expected);

  auto loaded = Session::load(program, *saved);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ((*loaded)->length(), 100);
  EXPECT_EQ(logits_in_pieces(*program, **loaded, tail, 64), expected);

  ASSERT_TRUE(session->truncate(100));
  EXPECT_EQ(logits_in_pieces(*program, *session, tail, 64), expected);
}

TEST(Session, ForksThatDivergeDoNotDisturbEachOther) {
  const auto program = prepare(tiny_llama(), cpu_options());
  const std::vector<int32_t> head = random_ids(70, 8);  // ends inside a page
  const std::vector<int32_t> left = random_ids(30, 9);
  const std::vector<int32_t> right = random_ids(30, 10);
  const auto session = program->open_session();
  logits_in_pieces(*program, *session, head, 64);
  auto a = session->fork();
  auto b = session->fork();
  ASSERT_TRUE(a && b);
  std::vector<float> interleaved_left;
  std::vector<float> interleaved_right;
  for (size_t i = 0; i < left.size(); ++i) {
    const auto l = logits_in_pieces(*program, **a, std::span(left).subspan(i, 1), 1);
    const auto r = logits_in_pieces(*program, **b, std::span(right).subspan(i, 1), 1);
    interleaved_left.insert(interleaved_left.end(), l.begin(), l.end());
    interleaved_right.insert(interleaved_right.end(), r.begin(), r.end());
  }
  auto fresh = session->fork();
  EXPECT_EQ(logits_in_pieces(*program, **fresh, left, 64), interleaved_left);
  EXPECT_EQ(logits_in_pieces(*program, *session, right, 64), interleaved_right);
}

TEST(Session, DamagedSaveIsRefused) {
  const auto program = prepare(tiny_llama(), cpu_options());
  const auto session = program->open_session();
  logits_in_pieces(*program, *session, random_ids(10, 11), 64);
  const std::string saved = session->save().value();
  for (size_t at = 0; at < saved.size(); at += 97) {
    std::string damaged = saved;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    const auto loaded = Session::load(program, damaged);
    ASSERT_FALSE(loaded) << "a flipped bit at " << at;
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
  }
  for (size_t size : {size_t{0}, size_t{7}, size_t{20}, saved.size() - 1}) {
    EXPECT_FALSE(Session::load(program, saved.substr(0, size))) << size;
  }
}

TEST(Session, SaveOfAnotherModelIsRefused) {
  ProgramOptions options = cpu_options();
  options.source = "one model";
  const auto program = prepare(tiny_llama(), options);
  options.source = "another of the same shape";
  const auto other = prepare(tiny_llama(), options);
  const auto session = program->open_session();
  logits_in_pieces(*program, *session, random_ids(10, 14), 64);
  const std::string saved = session->save().value();
  EXPECT_TRUE(Session::load(program, saved));
  EXPECT_FALSE(Session::load(other, saved));
}

TEST(Cancel, LeavesNoTraceAtAnyStep) {
  const auto program = prepare(tiny_llama(), cpu_options(3));
  const std::vector<int32_t> head = random_ids(40, 12);
  const std::vector<int32_t> tail = random_ids(24, 13);
  const auto reference = program->open_session();
  logits_in_pieces(*program, *reference, head, 64);
  const std::vector<float> expected = logits_in_pieces(*program, *reference, tail, 64);

  const auto session = program->open_session();
  logits_in_pieces(*program, *session, head, 64);
  std::atomic<uint64_t> arrivals{0};
  program->team().set_delay([&](int) { ++arrivals; });
  logits_in_pieces(*program, *session, tail, 64);
  program->team().set_delay({});
  ASSERT_TRUE(session->truncate(40));
  Random random(14);
  int cancelled = 0;
  for (int round = 0; round < 100; ++round) {
    // Cancels when a chosen barrier is reached, so every step is hit sooner or later.
    std::atomic<bool> cancel{false};
    std::atomic<int64_t> countdown{static_cast<int64_t>(random.below(arrivals))};
    program->team().set_delay([&](int) {
      if (countdown.fetch_sub(1) == 0) cancel = true;
    });
    Batch batch;
    const auto rows = static_cast<int64_t>(tail.size());
    batch.slices.push_back({session.get(), rows, {rows - 1}});
    batch.inputs.emplace("ids", Tensor::of(std::span<const int32_t>(tail), {rows}));
    const auto outputs = program->run(batch, {.cancel = &cancel});
    program->team().set_delay({});
    if (outputs) {
      ASSERT_TRUE(session->truncate(40));
    } else {
      ASSERT_EQ(outputs.error().code, ErrorCode::kCancelled);
      ++cancelled;
    }
    ASSERT_EQ(session->length(), 40);
  }
  EXPECT_GT(cancelled, 15);
  EXPECT_EQ(logits_in_pieces(*program, *session, tail, 64), expected);
}

TEST(Run, RefusesBadBatchesWithAReason) {
  const auto program = prepare(tiny_llama(64, 100), cpu_options());
  const auto session = program->open_session();
  const std::vector<int32_t> ids = random_ids(64, 15);
  const auto run = [&](Batch batch) { return program->run(batch); };
  const Tensor tensor = Tensor::of(std::span<const int32_t>(ids), {64});
  Batch none;
  none.inputs.emplace("ids", tensor);
  EXPECT_EQ(run(none).error().code, ErrorCode::kInvalidArgument);
  Batch missing;
  missing.slices.push_back({session.get(), 64, {}});
  EXPECT_NE(run(missing).error().message.find("ids"), std::string::npos);
  Batch wrong_rows = missing;
  wrong_rows.inputs.emplace("ids", Tensor::of(std::span<const int32_t>(ids).first(3), {3}));
  EXPECT_FALSE(run(wrong_rows));
  Batch wanted;
  wanted.slices.push_back({session.get(), 64, {64}});
  wanted.inputs.emplace("ids", tensor);
  EXPECT_FALSE(run(wanted));
  Batch good = missing;
  good.inputs.emplace("ids", tensor);
  const auto none_wanted = run(good);
  EXPECT_TRUE(none_wanted) << none_wanted.error().message;
  const auto full = run(good);  // 128 rows in a context of 100
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(session->length(), 64);
}

}  // namespace
}  // namespace tenwatt::engine
