find_package(nlohmann_json REQUIRED)
target_link_libraries(test_audio PRIVATE PkgConfig::SNDFILE nlohmann_json::nlohmann_json)
