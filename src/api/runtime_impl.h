// What the public Runtime holds, and the plans it makes for the parts of a model. The one place
// that knows which devices exist.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/team.h"
#include "devices/interface/device.h"
#include "engine/program.h"
#include "engine/report/explain.h"
#include "store/shelf.h"
#include "tenwatt/runtime.h"
#include "text/phonemizer_process.h"

namespace tenwatt {

struct Runtime::Impl {
  RuntimeOptions options;
  devices::Precision precision = devices::Precision::kFast;
  std::string level;
  std::shared_ptr<Team> team;
  std::vector<std::shared_ptr<devices::Device>> known;      ///< every device, the CPU last
  std::vector<std::shared_ptr<devices::Device>> preferred;  ///< of --device, the CPU last
  std::map<std::string, std::vector<std::shared_ptr<devices::Device>>, std::less<>> placed;
  text::PhonemizerProcess phonemizer;  ///< one warm helper for all voices

  /// The program options of one part ("encoder", "vocoder", ...) of the model file `path`, whose
  /// digest names its artifacts.
  Result<engine::ProgramOptions> program_options(const std::string& part,
                                                 const std::string& path) const;
  engine::PlanOptions plan_options(const std::string& part) const;
};

/// The files that a catalogue name or a path stands for; kModelMissing with the pull command.
Result<store::ResolvedModel> resolve_model(const std::string& name_or_path);

Placement to_placement(const engine::PlanReport& report);

}  // namespace tenwatt
