// Failure as a value: Result<T>, Status, Error and the closed list of codes (docs/errors.md), which
// everything in include/tenwatt/ returns. In the source tree this leads to the room base/, whose
// header is installed in this one's place.
#pragma once

#include "base/result.h"
