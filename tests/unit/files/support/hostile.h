// For tests of parsers: files in a folder of their own, and the two attacks that every parser must
// survive: cutting a file short and flipping its bytes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "material.h"

namespace tenwatt::testing_files {

/// A folder that exists while this object lives.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tenwatt_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// Writes a file and gives its path.
  std::string write(const std::string& name, const std::string& content) const {
    const std::filesystem::path path = path_ / name;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path.string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Appends numbers and texts, little-endian.
class ByteWriter {
 public:
  template <class T>
  ByteWriter& number(T value) {
    content.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  ByteWriter& raw(const std::string& text) {
    content += text;
    return *this;
  }
  ByteWriter& pad_to(size_t unit) {
    content.resize((content.size() + unit - 1) / unit * unit, '\0');
    return *this;
  }
  std::string content;
};

/// Gives `parse` the path of every mutant of a valid file: cut at 200 places, and 2000 times with
/// one to four bytes changed. `parse` returns whether it accepted the file; that it comes back at
/// all is what is tested (best in the sanitizer build). No cut may be accepted if `cut_is_error`.
enum class Cuts : uint8_t { kAreErrors, kMayBeValid };

inline void attack(const std::string& valid, Cuts cuts,
                   const std::function<bool(const std::string& path)>& parse) {
  const TemporaryFolder folder;
  ASSERT_TRUE(parse(folder.write("valid", valid)));
  const size_t steps = std::min<size_t>(200, valid.size());
  for (size_t i = 0; i < steps; ++i) {
    const size_t size = valid.size() * i / steps;
    const bool accepted = parse(folder.write("cut", valid.substr(0, size)));
    if (cuts == Cuts::kAreErrors) {
      EXPECT_FALSE(accepted) << "cut at byte " << size;
    }
  }
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    std::string mutant = valid;
    for (uint32_t flips = 1 + random() % 4; flips > 0; --flips) {
      constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
      const auto edge = static_cast<char>(kEdges[random() % 5]);
      mutant[random() % mutant.size()] = random() % 2 == 0 ? edge : static_cast<char>(random());
    }
    parse(folder.write("flipped", mutant));
  }
}

/// A model under its catalogue name; tests skip if it isn't there.
inline std::string model_path(const std::string& name) { return material::model(name).string(); }

/// Material shared beside the repository; tests skip if it isn't there.
inline std::string shared_path(const std::string& name) { return material::shared(name).string(); }

}  // namespace tenwatt::testing_files

/// Skips the running test where `path` is absent.
#define TENWATT_NEED_FILE(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << (path) << " is not here"
