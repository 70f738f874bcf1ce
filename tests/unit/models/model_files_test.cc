// Which files a model's numbers come from: each of them has to count in the digest that names what
// is derived from the model.
#include "models/model_files.h"

#include <gtest/gtest.h>

#include "onnx_proto/onnx.pb.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::models {
namespace {

using testing_files::TemporaryFolder;

std::vector<std::string> names(const std::string& path) {
  const std::vector<std::string> files = model_files(path).value();
  std::vector<std::string> names;
  for (const std::string& file : files) {
    names.push_back(std::filesystem::path(file).filename().string());
  }
  return names;
}

TEST(ModelFiles, ExternalDataOfOnnxIsAmongThem) {
  const TemporaryFolder folder;
  onnx::ModelProto model;
  for (const char* location : {"weights", "absent", "../outside", "/etc/passwd"}) {
    auto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    auto& entry = *tensor.add_external_data();
    entry.set_key("location");
    entry.set_value(location);
  }
  folder.write("weights", "1234");
  EXPECT_EQ(names(folder.write("model.onnx", model.SerializeAsString())),
            (std::vector<std::string>{"model.onnx", "weights"}));
}

TEST(ModelFiles, PartsOfGgufAreAmongThem) {
  const TemporaryFolder folder;
  folder.write("m-00001-of-00002.gguf", "");
  EXPECT_EQ(names(folder.write("m-00002-of-00002.gguf", "")),
            (std::vector<std::string>{"m-00002-of-00002.gguf", "m-00001-of-00002.gguf"}));
  EXPECT_EQ(names(folder.write("m.gguf", "")), std::vector<std::string>{"m.gguf"});
}

TEST(ModelFiles, FilesOfAHubsIndexAreAmongThem) {
  const TemporaryFolder folder;
  for (const char* file : {"a.safetensors", "b.safetensors", "config.json"}) folder.write(file, "");
  const std::string index =
      folder.write("model.safetensors.index.json",
                   R"({"weight_map":{"x":"b.safetensors","y":"a.safetensors"}})");
  EXPECT_EQ(names(index), (std::vector<std::string>{"model.safetensors.index.json", "a.safetensors",
                                                    "b.safetensors", "config.json"}));
}

}  // namespace
}  // namespace tenwatt::models
