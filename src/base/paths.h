// Where Tenwatt keeps its files, and small whole-file reads and writes. Not for model weights
// (those are mapped: base/memory.h).
//
// Data (pulled models): $TENWATT_HOME, else $XDG_DATA_HOME/tenwatt, else ~/.local/share/tenwatt.
// Cache (may be deleted at any time): $TENWATT_HOME/cache, else $XDG_CACHE_HOME/tenwatt, else
// ~/.cache/tenwatt. Configuration: $TENWATT_HOME, else $XDG_CONFIG_HOME/tenwatt, else
// ~/.config/tenwatt.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt {

std::string data_folder();
std::string cache_folder();
std::string configuration_folder();
/// The folder of the file that holds this code: the running program ("/usr/bin"), or the shared
/// library that a program has loaded ("/usr/lib").
std::string own_folder();

/// Makes a folder and its parents; fine if it is there already.
Status make_folder(const std::string& path);
/// A whole file of at most `limit` bytes. kNotFound, kOutOfRange or kIo.
Result<std::string> read_file(const std::string& path, size_t limit);
/// Writes beside `path`, syncs and renames, so that a reader sees the old file or the new one.
Status write_file_atomically(const std::string& path, std::string_view bytes);

}  // namespace tenwatt
