// The table of verbs. A verb that is not built is not here.
#include "cli/verbs.h"

#include <array>

#include "cli/common_options.h"

namespace tenwatt::cli {

std::span<const Verb> verbs() {
  static const std::array kVerbs = {kAskVerb,      kChatVerb,  kTranscribeVerb, kSayVerb,
                                    kPullVerb,     kListVerb,  kShowVerb,       kRmVerb,
                                    kGenerateVerb, kScoreVerb, kTokenizeVerb,   kInferVerb,
                                    kExplainVerb,  kBenchVerb, kDevicesVerb,    kDoctorVerb};
  return kVerbs;
}

std::vector<OptionSpec> all_options(const Verb& verb) {
  std::vector<OptionSpec> options(verb.options.begin(), verb.options.end());
  if (verb.group == OptionGroup::kRuntime) {
    const auto shared = runtime_option_table();
    options.insert(options.end(), shared.begin(), shared.end());
  }
  const auto general = general_option_table();
  options.insert(options.end(), general.begin(), general.end());
  return options;
}

}  // namespace tenwatt::cli
