// What file of a folder that a user names is opened.
#include <gtest/gtest.h>

#include "store/shelf.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::store {
namespace {

TEST(ModelFolder, IsOpenedByTheFirstOfItsKinds) {
  const testing_files::TemporaryFolder folder;
  const Shelf shelf;
  const std::string path = folder.path(".");
  const auto none = shelf.resolve(path);
  EXPECT_EQ(none.error().code, ErrorCode::kModelMissing);
  EXPECT_NE(none.error().remedy.find("model.safetensors.index.json"), std::string::npos);
  for (const char* file : {"model.safetensors", "model.safetensors.index.json", "model.bin"}) {
    folder.write(file, "");
    EXPECT_EQ(std::filesystem::path(shelf.resolve(path).value().main).filename(), file);
  }
}

}  // namespace
}  // namespace tenwatt::store
