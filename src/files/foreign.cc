#include "files/foreign.h"

namespace tenwatt::files {
namespace {

struct ForeignRow {
  std::string_view begins;
  std::string_view what;
  std::string_view remedy;
};
constexpr ForeignRow kForeign[] = {
    {"GGUF", "a GGUF model", "language models are for ask, chat, generate, score and tokenize"},
    {"lmgg", "a Whisper model of whisper.cpp", "it is for: tenwatt transcribe FILE --stt MODEL"},
    {"version https://git-lfs", "a pointer of Git LFS", "download the file that it stands for"},
    {"<!DOCTYPE", "a web page", "download the file itself, not the page that shows it"},
    {"<html", "a web page", "download the file itself, not the page that shows it"},
    {"PK\x03\x04", "a zip archive", "unpack it first"},
    {"\x1f\x8b", "a gzip archive", "unpack it first"},
    {"\x93NUMPY", "an array of NumPy", "arrays are inputs: --input NAME=FILE.npy"},
    {"RIFF", "a sound file", "sound is for ask --audio and transcribe"},
    {"{", "a JSON file", "name the file of weights beside it"},
};

}  // namespace

std::unexpected<Error> not_this_format(ErrorCode code, std::string_view wanted,
                                       std::span<const std::byte> bytes, std::string remedy) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string message = "this is not " + std::string(wanted);
  for (const ForeignRow& row : kForeign) {
    if (!text.starts_with(row.begins)) continue;
    return fail(code, message + " but " + std::string(row.what), std::string(row.remedy));
  }
  return fail(code, std::move(message), std::move(remedy));
}

}  // namespace tenwatt::files
