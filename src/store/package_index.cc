// What pip prints decides which remedy a failure gets.
#include "store/package_index.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/paths.h"
#include "base/process.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::seconds;

constexpr const char* kInstallPip = "apt-get install python3-pip";

bool has_pip(const std::string& python) {
  ProcessOptions options;
  options.arguments = {python, "-m", "pip", "--version"};
  options.standard_output = Stream::kNull;
  options.standard_error = Stream::kNull;
  const auto result = run_process(options, "", seconds(60));
  return result && result->exit.ok();
}

uint64_t bytes_below(const std::string& folder) {
  uint64_t largest = 0;
  std::error_code error;
  // pip writes the wheel to its temporary folder and copies it out: the largest file is it.
  for (auto item = fs::recursive_directory_iterator(folder, error);
       !error && item != fs::recursive_directory_iterator(); item.increment(error)) {
    std::error_code gone;
    if (item->is_regular_file(gone)) largest = std::max(largest, uint64_t{item->file_size(gone)});
  }
  return largest;
}

// The line that says why: pip's last "ERROR:" line, or its last line.
std::string reason_of(const std::string& output) {
  std::istringstream lines(output);
  std::string last;
  std::string last_error;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    last = line;
    if (line.starts_with("ERROR: ")) last_error = line.substr(7);
  }
  return last_error.empty() ? last : last_error;
}

std::unexpected<Error> failure(const std::string& what, const std::string& output) {
  const std::string message = "can't download " + what + ": " + reason_of(output);
  if (output.find("No matching distribution") != std::string::npos) {
    // pip says the same of an index that it could not reach.
    const bool unreachable = output.find("onnection") != std::string::npos ||
                             output.find("Retrying") != std::string::npos;
    if (!unreachable) {
      return fail(ErrorCode::kNotFound, message, "check the package index that pip is set up for");
    }
  }
  return fail(ErrorCode::kNetwork, message,
              "check the network and run the same command again: finished parts are kept");
}

}  // namespace

Result<std::string> python_with_pip() {
  if (const char* chosen = std::getenv("TENWATT_PYTHON"); chosen != nullptr && *chosen != 0) {
    if (has_pip(chosen)) return std::string(chosen);
    return fail(ErrorCode::kUnsupported,
                "TENWATT_PYTHON=" + std::string(chosen) + " is not a Python with pip", kInstallPip);
  }
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    if (has_pip(candidate)) return std::string(candidate);
  }
  return fail(ErrorCode::kUnsupported, "downloads need python3 with pip", kInstallPip);
}

Result<std::string> download_wheel(const WheelRequest& request) {
  const std::string what = request.package + "==" + request.version;
  const std::string temporary = request.folder + "/tmp";
  const std::string target = request.folder + "/wheel";
  TENWATT_TRY(make_folder(temporary));
  TENWATT_TRY(make_folder(target));
  ProcessOptions options;
  options.arguments = {TENWATT_TRY(python_with_pip()),
                       "-m",
                       "pip",
                       "download",
                       "--no-deps",
                       "--only-binary=:all:",
                       "--no-cache-dir",
                       "--progress-bar",
                       "off",
                       "--disable-pip-version-check",
                       "--no-input",
                       "-d",
                       target,
                       what};
  options.environment = {{"TMPDIR", temporary}, {"PYTHONDONTWRITEBYTECODE", "1"}};
  options.standard_error = Stream::kPipe;
  options.tick = [&] {
    if (request.on_bytes) request.on_bytes(bytes_below(request.folder));
  };
  const auto result = run_process(options, "", hours(12), request.cancel);
  if (!result && result.error().code == ErrorCode::kCancelled) {
    return fail(ErrorCode::kCancelled, "the download of " + what + " was stopped",
                "the same command goes on after the last complete part");
  }
  if (!result) return fail_in("can't download " + what, result.error());
  if (!result->exit.ok()) return failure(what, result->output + result->error);
  std::error_code error;
  for (const auto& item : fs::directory_iterator(target, error)) {
    if (item.path().extension() == ".whl") return item.path().string();
  }
  return fail(ErrorCode::kNetwork, "pip has left no wheel of " + what);
}

}  // namespace tenwatt::store
