// The verbs, one per file in verbs/.
#pragma once

#include "cli/verb.h"

namespace tenwatt::cli {

extern const Verb kPullVerb;
extern const Verb kListVerb;
extern const Verb kShowVerb;
extern const Verb kRmVerb;
extern const Verb kDoctorVerb;
extern const Verb kDevicesVerb;
extern const Verb kAskVerb;
extern const Verb kChatVerb;
extern const Verb kTranscribeVerb;
extern const Verb kSayVerb;
extern const Verb kGenerateVerb;
extern const Verb kScoreVerb;
extern const Verb kTokenizeVerb;
extern const Verb kInferVerb;
extern const Verb kExplainVerb;
extern const Verb kBenchVerb;

}  // namespace tenwatt::cli
