find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(test_store PRIVATE ZLIB::ZLIB nlohmann_json::nlohmann_json)
# Hostile files.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/store/*.cc)
target_sources(test_store PRIVATE ${fuzz_sources} ${CMAKE_SOURCE_DIR}/tests/fuzz/parser.cc
                               ${CMAKE_SOURCE_DIR}/tests/fuzz/hostile_test.cc)
