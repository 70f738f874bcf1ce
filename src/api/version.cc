#include "tenwatt/version.h"

namespace tenwatt {
namespace {

#define TENWATT_TEXT_OF(number) #number
#define TENWATT_TEXT(number) TENWATT_TEXT_OF(number)

constexpr std::string_view kVersion = TENWATT_TEXT(TENWATT_VERSION_MAJOR) "." TENWATT_TEXT(
    TENWATT_VERSION_MINOR) "." TENWATT_TEXT(TENWATT_VERSION_PATCH);

}  // namespace

std::string_view version() { return kVersion; }

}  // namespace tenwatt
