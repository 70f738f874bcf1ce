// What this machine has and lacks for Tenwatt, each lack with its remedy.
#pragma once

#include <string>
#include <vector>

namespace tenwatt {

/// How a thing that was looked at is.
enum class Health {
  kGood,
  kSlow,     ///< works, but not as well as it could
  kMissing,  ///< something that a default needs is not there
};

/// One thing that was looked at.
struct Check {
  std::string name;
  Health health = Health::kGood;
  std::string finding;
  std::string remedy;  ///< empty for kGood
};

/// Looks; changes and measures nothing.
std::vector<Check> examine_machine();

}  // namespace tenwatt
