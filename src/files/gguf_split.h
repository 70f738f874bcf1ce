// GGUF models in several files. The first file has the metadata; each has tensors of its own, and
// they find each other by their names: PREFIX-00002-of-00003.gguf is the second of three.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "files/gguf.h"

namespace tenwatt::files {

struct GgufSplit {
  std::string prefix;
  int64_t count = 1;

  /// Where the part at `place` (from 0) lies.
  std::string path(int64_t place) const;
};

/// The split that a file's name speaks of; count 1 if it speaks of none.
GgufSplit split_of_name(const std::string& path);

/// The split that an opened file is part of. kCorrupt if its name and its keys disagree, for the
/// others would not be found.
Result<GgufSplit> split_of(const GgufFile& file, const std::string& path);

}  // namespace tenwatt::files
