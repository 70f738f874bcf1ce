#include "store/hub_listing.h"

#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  return R"({"id":"a/b","sha":"cccccccccccccccccccccccccccccccccccccccc","siblings":[
{"rfilename":"config.json","size":12,"blobId":"0123456789012345678901234567890123456789"},
{"rfilename":"m-00001-of-00002.gguf","size":99,"blobId":"0123456789012345678901234567890123456789",
 "lfs":{"sha256":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":99}},
{"rfilename":"m-00002-of-00002.gguf","size":99,"blobId":"0123456789012345678901234567890123456789"}
]})";
}

bool accepts(std::string_view bytes) {
  const auto listing = store::parse_hub_listing(bytes);
  if (!listing) return false;
  for (const char* text : {"hf:a/b", "hf:a/b:m", "hf:a/b:config.json"}) {
    (void)store::choose_hub_files(*listing, *store::parse_hub_name(text));
  }
  return true;
}

const Registered kListing{{"hub_listing", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
