// For tests of parsers: files in a folder of their own, and bytes put together by hand. (The
// attacks that every parser must survive are tests/fuzz.)
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "material.h"
#include "temporary_folder.h"

namespace tenwatt::testing_files {

using material::TemporaryFolder;

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

/// A model under its catalogue name; tests skip if it isn't there.
inline std::string model_path(const std::string& name) { return material::model(name).string(); }

/// Material shared beside the repository; tests skip if it isn't there.
inline std::string shared_path(const std::string& name) { return material::shared(name).string(); }

}  // namespace tenwatt::testing_files

/// Skips the running test where `path` is absent.
#define TENWATT_NEED_FILE(path) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << (path) << " is not here"
