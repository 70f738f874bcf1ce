# Hostile files.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/files/*.cc)
target_sources(test_files PRIVATE ${fuzz_sources} ${CMAKE_SOURCE_DIR}/tests/fuzz/parser.cc
                               ${CMAKE_SOURCE_DIR}/tests/fuzz/hostile_test.cc)
