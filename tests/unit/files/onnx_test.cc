// ONNX messages and tensors: every storage of every type, external data, hostile files.
#include "files/onnx.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/memory.h"
#include "files/onnx_external.h"
#include "onnx_proto/onnx.pb.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using onnx::TensorProto;
using testing_files::TemporaryFolder;

TensorProto proto_of(int type, std::initializer_list<int64_t> dims) {
  TensorProto proto;
  proto.set_name("t");
  proto.set_data_type(type);
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

TEST(OnnxTensor, RawBytesBecomeTheTensor) {
  TensorProto proto = proto_of(TensorProto::FLOAT, {2, 1});
  const float values[] = {1.5f, -2};
  proto.set_raw_data(values, sizeof values);
  const Tensor tensor = take_onnx_tensor(proto).value();
  EXPECT_EQ(tensor.shape(), (Shape{2, 1}));
  EXPECT_EQ(tensor.values<float>()[1], -2);
}

TEST(OnnxTensor, EveryTypedFieldIsRead) {
  const auto first = [](TensorProto& proto) {
    return take_onnx_tensor(proto).value().to_f32().value().values<float>()[0];
  };
  for (const int type : {TensorProto::INT8, TensorProto::INT16, TensorProto::INT32}) {
    TensorProto proto = proto_of(type, {1});
    proto.add_int32_data(-3);
    EXPECT_EQ(first(proto), -3) << type;
  }
  for (const int type : {TensorProto::UINT8, TensorProto::UINT16, TensorProto::BOOL}) {
    TensorProto proto = proto_of(type, {});
    proto.add_int32_data(type == TensorProto::BOOL ? 1 : 200);
    EXPECT_EQ(first(proto), type == TensorProto::BOOL ? 1 : 200) << type;
  }
  TensorProto half = proto_of(TensorProto::FLOAT16, {1});
  half.add_int32_data(0x4200);
  EXPECT_EQ(first(half), 3);
  TensorProto brain = proto_of(TensorProto::BFLOAT16, {1});
  brain.add_int32_data(0x4040);
  EXPECT_EQ(first(brain), 3);
  TensorProto wide = proto_of(TensorProto::DOUBLE, {1});
  wide.add_double_data(0.5);
  EXPECT_EQ(first(wide), 0.5f);
  TensorProto integer = proto_of(TensorProto::INT64, {1});
  integer.add_int64_data(-(int64_t{1} << 40));
  EXPECT_EQ(first(integer), -0x1p40f);
  for (const int type : {TensorProto::UINT32, TensorProto::UINT64}) {
    TensorProto proto = proto_of(type, {1});
    proto.add_uint64_data(4000000000);
    EXPECT_EQ(first(proto), 4e9f) << type;
  }
}

TEST(OnnxTensor, CountsMustMatchTheShape) {
  TensorProto few = proto_of(TensorProto::FLOAT, {int64_t{1} << 40});
  few.add_float_data(1);
  EXPECT_EQ(take_onnx_tensor(few).error().code, ErrorCode::kCorrupt);
  TensorProto raw = proto_of(TensorProto::FLOAT, {3});
  raw.set_raw_data("12345678");
  EXPECT_FALSE(take_onnx_tensor(raw));
  TensorProto negative = proto_of(TensorProto::FLOAT, {-1});
  EXPECT_FALSE(take_onnx_tensor(negative));
  TensorProto text = proto_of(TensorProto::STRING, {});
  EXPECT_EQ(take_onnx_tensor(text).error().code, ErrorCode::kUnsupported);
}

TensorProto external(const std::string& location, const std::string& offset = "0") {
  TensorProto proto = proto_of(TensorProto::FLOAT, {2});
  proto.set_data_location(TensorProto::EXTERNAL);
  const auto add = [&](const std::string& key, const std::string& value) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", location);
  add("offset", offset);
  return proto;
}

TEST(OnnxExternalData, IsReadOnlyFromPlainFilesInTheModelsFolder) {
  const TemporaryFolder outer;
  const std::string inside = outer.path("model");
  std::filesystem::create_directories(inside + "/sub");
  const float values[] = {7, 1, 2};
  const std::string bytes(reinterpret_cast<const char*>(values), sizeof values);
  outer.write("secret", bytes);
  outer.write("model/data", bytes);
  outer.write("model/sub/data", bytes);
  std::filesystem::create_symlink("../secret", inside + "/link");
  std::filesystem::create_directory_symlink("..", inside + "/up");

  for (const char* good : {"data", "sub/data"}) {
    TensorProto proto = external(good, "4");
    EXPECT_EQ(take_onnx_tensor(proto, inside).value().values<float>()[1], 2) << good;
  }
  const std::vector<std::string> bad = {"../secret", "sub/../data", "./data",
                                        "link",      "up/secret",   "",
                                        "sub",       "absent",      std::string("data\0x", 6)};
  for (const std::string& location : bad) {
    TensorProto proto = external(location);
    EXPECT_FALSE(take_onnx_tensor(proto, inside)) << location;
  }
  ASSERT_EQ(mkfifo((inside + "/pipe").c_str(), 0600), 0);
  TensorProto pipe = external("pipe");
  EXPECT_FALSE(take_onnx_tensor(pipe, inside)) << "opening a pipe would wait for a writer";
  TensorProto absolute = external(outer.path("secret"));
  EXPECT_FALSE(take_onnx_tensor(absolute, inside));
  TensorProto nowhere = external("data");
  EXPECT_FALSE(take_onnx_tensor(nowhere)) << "a model from memory has no folder";
  for (const char* offset : {"8", "99", "-1", "18446744073709551615", "x"}) {
    TensorProto proto = external("data", offset);
    EXPECT_FALSE(take_onnx_tensor(proto, inside)) << offset;
  }
}

TEST(OnnxExternalData, IsMappedAndNotCopied) {
  const TemporaryFolder folder;
  folder.write("data", std::string(64, '\0'));
  TensorProto proto = external("data", "16");
  const Tensor tensor = take_onnx_tensor(proto, folder.path(".")).value();
  EXPECT_TRUE(drop_mapped(tensor.bytes())) << "the bytes are not those of a mapped file";
}

// Wherever a tensor may be: in the graph, in a node's attribute, in the branch of an If, sparse.
TEST(OnnxExternalData, IsFoundWithoutParsing) {
  onnx::ModelProto model;
  auto& graph = *model.mutable_graph();
  *graph.add_initializer() = external("of-graph");
  *graph.add_initializer() = proto_of(TensorProto::FLOAT, {2});
  auto& attribute = *graph.add_node()->add_attribute();
  *attribute.mutable_t() = external("of-attribute");
  auto& branch = *graph.add_node()->add_attribute()->mutable_g();
  *branch.add_initializer() = external("sub/of-branch");
  *graph.add_sparse_initializer()->mutable_values() = external("of-sparse");
  *model.add_functions()->add_node()->add_attribute()->add_tensors() = external("of-function");
  const std::string bytes = model.SerializeAsString();
  const auto found = onnx_external_locations(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(found, (std::set<std::string>{"of-attribute", "of-function", "of-graph", "of-sparse",
                                          "sub/of-branch"}));
}

std::string small_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  graph.set_name("small");
  TensorProto& weight = *graph.add_initializer();
  weight = proto_of(TensorProto::FLOAT, {4});
  weight.set_raw_data(std::string(16, '\0'));
  return model.SerializeAsString();
}

TEST(OnnxModel, NeedsAGraph) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_onnx(folder.write("m", small_model())).value().proto().graph().name(), "small");
  EXPECT_EQ(read_onnx(folder.write("empty", "")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_onnx(folder.write("junk", "not a model at all")).error().code,
            ErrorCode::kCorrupt);
  EXPECT_EQ(read_onnx(folder.write("bare", "\x08\x08")).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_onnx(folder.path("absent")).error().code, ErrorCode::kNotFound);
}

TEST(OnnxTensorFile, ReadsASerialisedTensor) {
  const TemporaryFolder folder;
  TensorProto proto = proto_of(TensorProto::INT64, {1});
  proto.add_int64_data(5);
  const std::string path = folder.write("input_0.pb", proto.SerializeAsString());
  EXPECT_EQ(read_onnx_tensor(path).value().values<int64_t>()[0], 5);
}

}  // namespace
}  // namespace tenwatt::files
