find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(test_store PRIVATE ZLIB::ZLIB nlohmann_json::nlohmann_json)
tenwatt_attack(test_store store)
