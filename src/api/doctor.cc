// One function per thing that is looked at.
#include "tenwatt/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "base/paths.h"
#include "base/team.h"
#include "devices/cpu/probe/probe.h"
#include "store/package_index.h"
#include "store/shelf.h"
#include "text/phonemizer_process.h"

namespace tenwatt {
namespace {

Check check_processor() {
  std::string levels;
  for (cpu::Level level : cpu::usable_levels()) {
    levels += (levels.empty() ? "" : ", ") + std::string(cpu::level_name(level));
  }
  return {"processor",
          Health::kGood,
          fmt::format("{}; kernels: {}; using {}", cpu::processor_name(), levels,
                      cpu::level_name(cpu::best_level())),
          {}};
}

Check check_cores() {
  return {"cores", Health::kGood, fmt::format("{} usable", available_cores()), {}};
}

// A figure of /proc/meminfo in bytes; 0 if it isn't there.
uint64_t memory_figure(const std::string& name) {
  std::istringstream lines(read_file("/proc/meminfo", 1 << 16).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  }
  return 0;
}

/// What the default models hold in memory: their files, for weights are kept as they are stored.
uint64_t default_models_bytes() {
  uint64_t bytes = 0;
  for (const std::string_view name : store::default_models()) {
    const auto entry = store::find_entry(store::built_in_catalogue(), name);
    if (entry) bytes += (*entry)->bytes();
  }
  return bytes;
}

Check check_memory() {
  const uint64_t needed = default_models_bytes();
  const uint64_t total = memory_figure("MemTotal");
  const uint64_t available = memory_figure("MemAvailable");
  Check check{"memory",
              Health::kGood,
              fmt::format("{:.1f} GB, {:.1f} GB available", static_cast<double>(total) / 1e9,
                          static_cast<double>(available) / 1e9),
              {}};
  if (available >= needed) return check;
  check.health = Health::kSlow;
  check.remedy = fmt::format(
      "the default models need {:.1f} GB: use smaller ones (tenwatt list), or close programs",
      static_cast<double>(needed) / 1e9);
  return check;
}

Check check_huge_pages() {
  const std::string path = "/sys/kernel/mm/transparent_hugepage/enabled";
  const std::string setting = read_file(path, 4096).value_or("");
  Check check{"huge pages", Health::kGood, {}, {}};
  const size_t begin = setting.find('[');
  const size_t end = setting.find(']');
  check.finding = begin < end && end != std::string::npos
                      ? setting.substr(begin + 1, end - begin - 1)
                      : "this kernel has none";
  if (check.finding == "always" || check.finding == "madvise") return check;
  check.health = Health::kSlow;
  check.remedy = "echo madvise | sudo tee " + path;
  return check;
}

Check check_python() {
  const auto python = store::python_with_pip();
  if (python) return {"downloads", Health::kGood, *python + " with pip", {}};
  return {"downloads", Health::kMissing, python.error().message, python.error().remedy};
}

Check check_phonemes() {
  const std::string program = text::phonemizer_program();
  if (::access(program.c_str(), X_OK) == 0) return {"phonemes", Health::kGood, program, {}};
  return {"phonemes", Health::kMissing, "no program " + program,
          "./dev build, or set TENWATT_PHONEMIZE to tenwatt-phonemize"};
}

Check check_folder() {
  const std::string folder = data_folder();
  const Status made = make_folder(folder);
  if (!made) return {"folder", Health::kMissing, made.error().message, made.error().remedy};
  if (::access(folder.c_str(), W_OK) != 0) {
    return {"folder", Health::kMissing, folder + " can't be written",
            "set TENWATT_HOME to a folder that can"};
  }
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  return {"folder",
          Health::kGood,
          fmt::format("{} ({:.1f} GB free)", folder, static_cast<double>(space.available) / 1e9),
          {}};
}

Check check_model(const store::Shelf& shelf, std::string_view name) {
  Check check{"model " + std::string(name), Health::kGood, "installed", {}};
  const auto resolved = shelf.resolve(std::string(name));
  if (resolved) return check;
  check.health = Health::kMissing;
  check.finding = resolved.error().message;
  check.remedy = resolved.error().remedy;
  return check;
}

}  // namespace

std::vector<Check> examine_machine() {
  std::vector<Check> checks = {check_processor(),  check_cores(),  check_memory(),
                               check_huge_pages(), check_folder(), check_python(),
                               check_phonemes()};
  const store::Shelf shelf;
  for (std::string_view name : store::default_models()) checks.push_back(check_model(shelf, name));
  return checks;
}

}  // namespace tenwatt
