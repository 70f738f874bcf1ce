find_package(nlohmann_json REQUIRED)
target_link_libraries(test_cli PRIVATE nlohmann_json::nlohmann_json)
