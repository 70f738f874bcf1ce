#include "tenwatt/runtime.h"

#include <algorithm>
#include <sstream>

#include "api/runtime_impl.h"
#include "base/digest.h"
#include "base/paths.h"
#include "devices/cpu/cpu_device.h"
#include "devices/simnpu/simnpu_device.h"
#include "models/model_files.h"

namespace tenwatt {
namespace {

constexpr int kMaxThreads = 256;
const char* const kParts[] = {"text-encoder", "flow", "vocoder", "encoder", "decoder", "decode"};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

/// Devices by name, in the order asked for, the CPU always last.
Result<std::vector<std::shared_ptr<devices::Device>>> choose(
    const std::vector<std::shared_ptr<devices::Device>>& known, const std::string& names) {
  std::vector<std::shared_ptr<devices::Device>> chosen;
  for (const std::string& asked : split(names, ',')) {
    const std::string name = asked.substr(0, asked.find(':'));
    const bool host = name == "auto" || name == "cpu";
    const auto found = std::ranges::find_if(
        known, [&](const auto& device) { return device->info().name == name; });
    if (found == known.end() && !host) {
      std::string all;
      for (const auto& device : known) all += (all.empty() ? "" : ", ") + device->info().name;
      return fail(ErrorCode::kInvalidArgument, "there is no device '" + name + "'",
                  "choose from: auto, " + all);
    }
    const std::string setting = asked.size() > name.size() ? asked.substr(name.size() + 1) : "";
    if (!setting.empty() && (host || setting != "mode=exact")) {
      return fail(ErrorCode::kInvalidArgument,
                  "device " + name + " has no setting '" + setting + "'",
                  host ? "--device " + name : "--device " + name + ":mode=exact");
    }
    if (host) continue;
    chosen.push_back(*found);
  }
  chosen.push_back(known.back());
  return chosen;
}

Result<devices::Precision> parse_precision(const std::string& name) {
  if (name == "fast") return devices::Precision::kFast;
  if (name == "exact") return devices::Precision::kExact;
  return fail(ErrorCode::kInvalidArgument, "there is no precision '" + name + "'",
              "choose fast or exact");
}

Result<std::optional<cpu::Level>> parse_level(const std::string& name) {
  if (name.empty() || name == "auto") return std::optional<cpu::Level>();
  const auto level = cpu::level_by_name(name);
  const auto usable = cpu::usable_levels();
  if (!level || std::ranges::find(usable, *level) == usable.end()) {
    std::string all;
    for (cpu::Level each : usable) {
      all += (all.empty() ? "" : ", ") + std::string(cpu::level_name(each));
    }
    return fail(ErrorCode::kInvalidArgument, "this machine has no instruction level '" + name + "'",
                "choose from: " + all);
  }
  return level;
}

Status parse_place(Runtime::Impl& impl) {
  for (const std::string& place : impl.options.place) {
    const size_t equals = place.find('=');
    const std::string part = place.substr(0, equals);
    const bool known = std::ranges::find(kParts, part) != std::end(kParts);
    if (equals == std::string::npos || !known) {
      std::string all;
      for (const char* name : kParts) all += (all.empty() ? "" : ", ") + std::string(name);
      return fail(ErrorCode::kInvalidArgument, "'" + place + "' places no part of a model",
                  "write PART=DEVICE[,DEVICE], PART being one of: " + all);
    }
    impl.placed[part] = TENWATT_TRY(choose(impl.known, place.substr(equals + 1)));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Runtime>> Runtime::create(const RuntimeOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->precision = TENWATT_TRY(parse_precision(options.precision));
  const std::optional<cpu::Level> level = TENWATT_TRY(parse_level(options.level));
  if (options.threads < 0 || options.threads > kMaxThreads) {
    return fail(ErrorCode::kInvalidArgument,
                std::to_string(options.threads) + " threads are not possible",
                "choose 1 to " + std::to_string(kMaxThreads) + ", or 0 for all cores");
  }
  impl->team = std::make_shared<Team>(options.threads > 0 ? options.threads : available_cores());
  impl->level = cpu::level_name(level.value_or(cpu::best_level()));
  impl->known.push_back(TENWATT_TRY(simnpu::make_simnpu_device({.level = level})));
  impl->known.push_back(TENWATT_TRY(cpu::make_cpu_device({.level = level})));
  impl->preferred = TENWATT_TRY(choose(impl->known, options.device));
  TENWATT_TRY(parse_place(*impl));
  return std::shared_ptr<Runtime>(new Runtime(std::move(impl)));
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

const RuntimeOptions& Runtime::options() const { return impl_->options; }
int Runtime::threads() const { return impl_->team->size(); }
std::string Runtime::level() const { return impl_->level; }

std::vector<DeviceReport> Runtime::devices() const {
  std::vector<DeviceReport> reports;
  for (size_t i = impl_->known.size(); i-- > 0;) {
    const devices::DeviceInfo& info = impl_->known[i]->info();
    reports.push_back({.name = info.name,
                       .description = info.description,
                       .emulator = info.emulator,
                       .fixed_shapes = info.fixed_shapes,
                       .memory_bytes = info.memory_bytes});
  }
  return reports;
}

std::vector<std::string> instruction_levels() {
  std::vector<std::string> names;
  for (const cpu::Level level : cpu::usable_levels()) names.emplace_back(cpu::level_name(level));
  return names;
}

engine::PlanOptions Runtime::Impl::plan_options(const std::string& part) const {
  const auto found = placed.find(part);
  return {.devices = found != placed.end() ? found->second : preferred,
          .precision = precision,
          .fallback = options.strict ? engine::Fallback::kRefuse : engine::Fallback::kNextDevice};
}

namespace {

/// The digest of the model's file, or of the digests of all its files where there are several.
Result<std::string> digest_of_model(const std::string& path) {
  const std::vector<std::string> files = TENWATT_TRY(models::model_files(path));
  if (files.size() == 1) return remembered_sha256(path);
  Sha256 all;
  for (const std::string& file : files) {
    const std::string digest = TENWATT_TRY(remembered_sha256(file));
    all.update(std::as_bytes(std::span(digest)));
  }
  return all.finish();
}

}  // namespace

Result<engine::ProgramOptions> Runtime::Impl::program_options(const std::string& part,
                                                              const std::string& path) const {
  engine::ProgramOptions program;
  program.plan = plan_options(part);
  program.team = team;
  if (options.keep_artifacts) {
    program.source = "sha256:" + TENWATT_TRY(digest_of_model(path));
    program.artifact_folder = cache_folder() + "/artifacts";
  }
  return program;
}

Result<store::ResolvedModel> resolve_model(const std::string& name_or_path) {
  return store::Shelf().resolve(name_or_path);
}

namespace {

std::string kind_name(const engine::NodeReport& node) {
  if (node.device.empty()) return "none";
  switch (node.kind) {
    case devices::KernelKind::kOwn:
      return "own";
    case devices::KernelKind::kMovement:
      return "movement";
    case devices::KernelKind::kReference:
      return "reference";
  }
  return "none";
}

}  // namespace

Placement to_placement(const engine::PlanReport& report) {
  Placement placement;
  placement.graph = report.graph;
  placement.precision = report.precision;
  placement.segments = report.segments;
  placement.resident_bytes = report.resident_bytes;
  placement.state_bytes_per_row = report.state_bytes_per_row;
  for (const engine::PartitionReport& part : report.partitions) {
    placement.partitions.push_back({.device = part.device,
                                    .segment = part.segment,
                                    .nodes = part.nodes,
                                    .inputs = part.inputs,
                                    .outputs = part.outputs,
                                    .copies = part.copies,
                                    .resident_bytes = part.resident_bytes});
  }
  for (const engine::NodeReport& node : report.nodes) {
    placement.nodes.push_back({.name = node.name,
                               .op = node.op,
                               .device = node.device,
                               .kernel = node.kernel,
                               .kind = kind_name(node),
                               .partition = node.partition,
                               .refusals = node.refusals});
  }
  return placement;
}

}  // namespace tenwatt
