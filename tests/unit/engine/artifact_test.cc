// Artifacts on disk: read back bit for bit, and never believed when damaged, cut or foreign.
#include "engine/run/artifact.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/digest.h"
#include "tiny_models.h"

namespace tenwatt::engine {
namespace {

namespace fs = std::filesystem;
using testing::cpu_options;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Where a file's table has the name of the first piece, and where its checksum begins.
struct Table {
  size_t first_name = 0;
  size_t end = 0;
};
Table find_table(const std::string& bytes) {
  size_t at = 8;  // magic
  const auto number = [&] {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    at += sizeof(value);
    return value;
  };
  at += number();  // the key
  Table table;
  for (uint32_t left = number(); left > 0; --left) {
    const uint32_t length = number();
    if (table.first_name == 0) table.first_name = at;
    at += length + 3 * sizeof(uint64_t);
  }
  table.end = at;
  return table;
}

class ArtifactFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tenwatt-artifact-" + std::to_string(getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static MemoryArtifact sample() {
    MemoryArtifact artifact;
    for (size_t i = 0; i < 5; ++i) {
      const auto piece = artifact.add("piece " + std::to_string(i), i * 1000).value();
      for (size_t at = 0; at < piece.size(); ++at) piece[at] = static_cast<std::byte>(at * i);
    }
    return artifact;
  }
  std::string only_file() const { return fs::directory_iterator(folder_)->path().string(); }

  fs::path folder_;
  Team team_{2};
};

TEST_F(ArtifactFile, GivesBackEveryPiece) {
  const MemoryArtifact artifact = sample();
  const ArtifactStore store(folder_.string());
  ASSERT_TRUE(store.write("key", artifact));
  const auto read = store.read("key", team_);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ((*read)->pieces().size(), artifact.pieces().size());
  for (const auto& piece : artifact.pieces()) {
    const auto found = (*read)->piece(piece.name);
    ASSERT_TRUE(found);
    EXPECT_TRUE(std::ranges::equal(*found, piece.bytes));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found->data()) % 64, 0u);
  }
  EXPECT_EQ(store.read("another key", team_).error().code, ErrorCode::kNotFound);
}

TEST_F(ArtifactFile, AnyFlippedBitOrCutIsNoticed) {
  const ArtifactStore store(folder_.string());
  ASSERT_TRUE(store.write("key", sample()));
  const std::string bytes = content_of(only_file());
  const auto rewrite = [&](const std::string& content) {
    std::ofstream out(only_file(), std::ios::binary | std::ios::trunc);
    out << content;
  };
  // Everything but the padding between pieces is covered by a checksum.
  const size_t table_end = 4096;
  const size_t covered = find_table(bytes).end + sizeof(uint64_t);
  for (size_t at = 0; at < covered; ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    rewrite(damaged);
    EXPECT_FALSE(store.read("key", team_)) << "byte " << at << " of the table";
  }
  for (size_t piece = 1; piece < 5; ++piece) {
    std::string damaged = bytes;
    damaged[table_end * piece + 500] ^= 1;
    rewrite(damaged);
    const auto read = store.read("key", team_);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
  }
  for (size_t size : {size_t{0}, size_t{5}, size_t{100}, bytes.size() - 4096}) {
    rewrite(bytes.substr(0, size));
    EXPECT_FALSE(store.read("key", team_)) << "cut to " << size;
  }
}

TEST_F(ArtifactFile, ProgramReadsItBackAndRebuildsADamagedOne) {
  ProgramOptions options = cpu_options();
  options.source = "test";
  options.artifact_folder = folder_.string();
  const auto run = [&](Program::Source expected) {
    const auto program = testing::prepare(testing::tiny_llama(), options);
    EXPECT_EQ(program->weights_from(), expected);
    const auto session = program->open_session();
    Batch batch;
    batch.slices.push_back({session.get(), 3, {2}});
    batch.inputs.emplace("ids", Tensor::of<int32_t>({5, 6, 7}, {3}));
    const Tensor logits = program->run(batch).value()[0].clone();
    return std::pair(logits, program->notices().size());
  };
  const auto [built, no_notice] = run(Program::Source::kBuilt);
  const auto [read, none] = run(Program::Source::kArtifact);
  EXPECT_EQ(no_notice + none, 0u);
  EXPECT_TRUE(std::ranges::equal(built.bytes(), read.bytes()));
  {
    std::fstream file(only_file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-100, std::ios::end);
    file.put('x');
    file.seekp(9000);
    file.put('x');
  }
  const auto [rebuilt, notice] = run(Program::Source::kBuilt);
  EXPECT_EQ(notice, 1u) << "the user is told";
  EXPECT_TRUE(std::ranges::equal(built.bytes(), rebuilt.bytes()));
  run(Program::Source::kArtifact);
}

/// Renames the first piece in the file's table, and makes the table's checksum true again.
void rename_first_piece(const std::string& path) {
  std::string bytes = content_of(path);
  const Table table = find_table(bytes);
  bytes[table.first_name] ^= 1;
  const uint64_t checksum = checksum64(std::as_bytes(std::span(bytes).first(table.end)));
  std::memcpy(bytes.data() + table.end, &checksum, sizeof(checksum));
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST_F(ArtifactFile, AForeignOneThatChecksIsRebuilt) {
  ProgramOptions options = cpu_options();
  options.source = "test";
  options.artifact_folder = folder_.string();
  testing::prepare(testing::tiny_llama(), options);
  rename_first_piece(only_file());
  const auto program = testing::prepare(testing::tiny_llama(), options);
  EXPECT_EQ(program->weights_from(), Program::Source::kBuilt);
  EXPECT_EQ(program->notices().size(), 1u);
  const auto again = testing::prepare(testing::tiny_llama(), options);
  EXPECT_EQ(again->weights_from(), Program::Source::kArtifact);
}

}  // namespace
}  // namespace tenwatt::engine
