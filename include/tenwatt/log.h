// The messages of the library: how many, and where they go. In the source tree this leads to the
// room base/, whose header is installed in this one's place.
#pragma once

#include "base/log.h"
