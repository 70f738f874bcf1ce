// Every parser of files as one thing to attack: a name, a small valid file, and a function that
// opens a file and reads everything that opening promised. A parser registers itself where it is
// linked: hostile_test.cc attacks all that are linked into a room's tests, hostile.cc those of the
// whole program and measures, and fuzzer.cc hands one to libFuzzer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tenwatt::fuzz {

/// Whether a file that was cut short may still be valid.
enum class Cuts : unsigned char { kAreErrors, kMayBeValid };

struct Parser {
  std::string name;
  Cuts cuts = Cuts::kAreErrors;
  std::function<std::string()> example;
  /// Whether the bytes were accepted. That it comes back, soon and in bounds, is what is tested.
  std::function<bool(std::string_view bytes)> accepts;
};

std::vector<Parser>& parsers();

/// `const Registered kGguf = {{"gguf", ...}};`
struct Registered {
  Registered(Parser parser) { parsers().push_back(std::move(parser)); }  // NOLINT
};

/// A file in memory with a path, for parsers that open one.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes);
  MemoryFile(const MemoryFile&) = delete;
  ~MemoryFile();
  const std::string& path() const { return path_; }

 private:
  int descriptor_;
  std::string path_;
};

/// A folder that exists while this object lives, in memory where the system has such a place: what
/// is attacked thousands of times should not wait for a disk.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ~ScratchFolder();
  /// Writes a file and gives its path.
  std::string write(const std::string& name, std::string_view bytes) const;
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Mutant number `index` of a valid file: first cut at 200 places, then with one to four bytes
/// changed. The same for the same file and number.
std::string mutant(std::string_view valid, int index);
inline constexpr int kCuts = 200;
inline constexpr int kMutants = kCuts + 5000;

}  // namespace tenwatt::fuzz
