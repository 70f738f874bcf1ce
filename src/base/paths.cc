// Folders from the environment, and atomic file writes.
#include "base/paths.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tenwatt {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// $TENWATT_HOME<inside_home>, else $<xdg>/tenwatt, else ~/<fallback>/tenwatt.
std::string folder(const char* inside_home, const char* xdg, const char* fallback) {
  if (const std::string home = variable("TENWATT_HOME"); !home.empty()) return home + inside_home;
  if (const std::string base = variable(xdg); base.starts_with('/')) return base + "/tenwatt";
  std::string home = variable("HOME");
  if (home.empty()) home = "/tmp";
  return home + "/" + fallback + "/tenwatt";
}

std::unexpected<Error> io_failure(std::string_view action, const std::string& path) {
  return fail(ErrorCode::kIo, std::string(action) + " " + path + ": " + std::strerror(errno));
}

}  // namespace

std::string data_folder() { return folder("", "XDG_DATA_HOME", ".local/share"); }
std::string cache_folder() { return folder("/cache", "XDG_CACHE_HOME", ".cache"); }
std::string configuration_folder() { return folder("", "XDG_CONFIG_HOME", ".config"); }

std::string own_folder() {
  Dl_info symbol{};
  link_map* loaded = nullptr;
  const bool found = ::dladdr1(reinterpret_cast<const void*>(&own_folder), &symbol,
                               reinterpret_cast<void**>(&loaded), RTLD_DL_LINKMAP) != 0;
  // In the loader's list the program itself has an empty name.
  const bool library = found && loaded != nullptr && loaded->l_name != nullptr && *loaded->l_name;
  std::error_code error;
  const auto file = std::filesystem::canonical(library ? loaded->l_name : "/proc/self/exe", error);
  return error ? "." : file.parent_path().string();
}

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return fail(ErrorCode::kIo, "can't make the folder " + path + ": " + error.message(),
              "set TENWATT_HOME to a folder that can be written");
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return fail(ErrorCode::kNotFound, "no file " + path);
    return io_failure("can't open", path);
  }
  std::string bytes;
  char chunk[65536];
  ssize_t count = 0;
  while ((count = ::read(descriptor, chunk, sizeof chunk)) != 0 && bytes.size() <= limit) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    bytes.append(chunk, static_cast<size_t>(count));
  }
  const int number = errno;
  ::close(descriptor);
  errno = number;
  if (count < 0) return io_failure("can't read", path);
  if (bytes.size() > limit) {
    return fail(ErrorCode::kOutOfRange,
                path + " is larger than " + std::to_string(limit) + " bytes");
  }
  return bytes;
}

Status write_file_atomically(const std::string& path, std::string_view bytes) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    return fail(ErrorCode::kIo,
                "can't write " + path + ": there is something that is no plain file",
                "name a file");
  }
  std::string temporary = path + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return io_failure("can't write", path);
  ::fchmod(descriptor, 0644);
  bool written = true;
  while (written && !bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    written = count > 0;
    if (written) bytes.remove_prefix(static_cast<size_t>(count));
  }
  written = written && ::fsync(descriptor) == 0;
  int number = errno;
  const bool closed = ::close(descriptor) == 0;
  if (written && !closed) number = errno;
  if (written && closed) {
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    number = errno;
  }
  ::unlink(temporary.c_str());
  errno = number;
  return io_failure("can't write", path);
}

}  // namespace tenwatt
