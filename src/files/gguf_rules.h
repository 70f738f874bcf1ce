// The rules that tie a GGUF file's values to each other and to its tensors: sizes that a loader
// would otherwise index by.
#pragma once

#include "files/gguf.h"

namespace tenwatt::files {

/// kCorrupt naming the key whose value breaks a rule. Of a split model, the joined file is checked.
Status check_gguf_rules(const GgufFile& file);

}  // namespace tenwatt::files
