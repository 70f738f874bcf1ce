// Where tests find what is not in the repository: downloaded models, and recordings shared beside
// the checkout. A test whose material is absent skips and says so.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tenwatt::material {

namespace detail {
inline std::filesystem::path folder(const char* variable, std::filesystem::path otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != 0 ? std::filesystem::path(value) : std::move(otherwise);
}
}  // namespace detail

/// A model's file under its catalogue name, in the folder that TENWATT_TEST_MODELS names; it may
/// not be there.
inline std::filesystem::path model(const std::string& name) {
  return detail::folder("TENWATT_TEST_MODELS", "TENWATT_TEST_MODELS-is-not-set") / name;
}

/// The same, empty where it is not there.
inline std::string model_if_present(const std::string& name) {
  const std::filesystem::path path = model(name);
  return std::filesystem::exists(path) ? path.string() : std::string();
}

/// Shared material, in the folder that TENWATT_SHARED names or else beside the checkout; it may not
/// be there.
inline std::filesystem::path shared(const std::string& name) {
  const auto beside = std::filesystem::path(TENWATT_SOURCE_DIR).parent_path() / "shared";
  return detail::folder("TENWATT_SHARED", beside) / name;
}

}  // namespace tenwatt::material
