// `explain` of any model: what kind of thing a name or path is, and the plans of its parts.
#include "api/model_file.h"
#include "api/runtime_impl.h"
#include "tenwatt/model.h"
#include "tenwatt/network.h"
#include "tenwatt/recognizer.h"
#include "tenwatt/runtime.h"
#include "tenwatt/voice.h"

namespace tenwatt {

using store::ModelKind;

Result<std::vector<Placement>> explain(const std::shared_ptr<Runtime>& runtime,
                                       const std::string& name_or_path) {
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_model(name_or_path));
  const auto kind = resolved.kind ? resolved.kind : kind_of_path(resolved.main);
  if (kind == ModelKind::kLanguage) {
    return std::vector<Placement>{TENWATT_TRY(Model::open(runtime, name_or_path))->placement()};
  }
  if (kind == ModelKind::kRecognizer) {
    return TENWATT_TRY(Recognizer::open(runtime, name_or_path))->placement();
  }
  if (kind == ModelKind::kVoice) {
    return TENWATT_TRY(Voice::open(runtime, name_or_path))->placement();
  }
  const auto network = TENWATT_TRY(Network::open(runtime, resolved.main));
  return std::vector<Placement>{TENWATT_TRY(network->placement())};
}

}  // namespace tenwatt
