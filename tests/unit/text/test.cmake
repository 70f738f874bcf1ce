find_package(nlohmann_json REQUIRED)
target_link_libraries(test_text PRIVATE nlohmann_json::nlohmann_json)
# The phonemiser is tested through the process that wraps it.
if(NOT TARGET tenwatt-phonemize)
  add_subdirectory(${CMAKE_SOURCE_DIR}/helpers/phonemize ${CMAKE_BINARY_DIR}/helpers/phonemize)
endif()
add_dependencies(test_text tenwatt-phonemize)
