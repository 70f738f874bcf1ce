# nlohmann json, and our own copy of ONNX's messages generated from the definition that libonnx-dev
# installs. libonnx_proto must not be linked beside it: both would register the same file.
find_package(nlohmann_json REQUIRED)
find_package(Protobuf REQUIRED)
find_program(TENWATT_PROTOC protoc REQUIRED)
find_path(TENWATT_ONNX_PROTO_DIR onnx/onnx.proto REQUIRED)

set(onnx_proto ${TENWATT_ONNX_PROTO_DIR}/onnx/onnx.proto)
set(onnx_generated ${CMAKE_SOURCE_DIR}/build/generated/onnx_proto)
file(MAKE_DIRECTORY ${onnx_generated})
add_custom_command(
  OUTPUT ${onnx_generated}/onnx.pb.cc ${onnx_generated}/onnx.pb.h
  COMMAND ${TENWATT_PROTOC} -I${TENWATT_ONNX_PROTO_DIR}/onnx --cpp_out=${onnx_generated} onnx.proto
  DEPENDS ${onnx_proto}
  COMMENT "Generating ONNX messages")

add_library(tenwatt_onnx_proto STATIC ${onnx_generated}/onnx.pb.cc ${onnx_generated}/onnx.pb.h)
target_compile_options(tenwatt_onnx_proto PRIVATE -w)
target_include_directories(tenwatt_onnx_proto SYSTEM PUBLIC ${CMAKE_SOURCE_DIR}/build/generated)
target_link_libraries(tenwatt_onnx_proto PUBLIC protobuf::libprotobuf-lite)

target_link_libraries(tenwatt_files PUBLIC nlohmann_json::nlohmann_json tenwatt_onnx_proto)
