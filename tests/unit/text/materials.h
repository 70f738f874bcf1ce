// Where this folder's tests find recorded material and models, and how they skip without them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include "material.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::text {

/// A whole file, or nothing if it isn't there.
inline std::optional<std::string> file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// Material shared beside the repository.
inline std::filesystem::path shared_folder() { return material::shared(""); }

/// Downloaded models under their catalogue names.
inline std::filesystem::path models_folder() { return material::model(""); }

/// Recorded cases that are committed in this folder.
inline std::string recorded(const std::string& name) {
  const auto text = file_text(std::filesystem::path(TENWATT_SOURCE_DIR) / "tests/unit/text" / name);
  EXPECT_TRUE(text.has_value()) << "no " << name;
  return text.value_or("null");
}

/// The vocabulary of a GGUF file, or nothing if the file isn't there.
std::optional<TokenizerSpec> spec_of_gguf(const std::filesystem::path& path);

}  // namespace tenwatt::text
