// The version of the headers, and that of the library a program runs with.
#pragma once

#include <string_view>

// CMakeLists.txt reads these three lines.
#define TENWATT_VERSION_MAJOR 0
#define TENWATT_VERSION_MINOR 1
#define TENWATT_VERSION_PATCH 0

/// One number to compare with: 1.2.3 is 10203.
#define TENWATT_VERSION \
  (TENWATT_VERSION_MAJOR * 10000 + TENWATT_VERSION_MINOR * 100 + TENWATT_VERSION_PATCH)

namespace tenwatt {

/// "0.1.0", of the library. Before 1.0 a program must run with the minor version it was compiled
/// for: structures may have grown.
std::string_view version();

}  // namespace tenwatt
