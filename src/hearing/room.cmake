find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(tenwatt_hearing PUBLIC fmt::fmt PRIVATE nlohmann_json::nlohmann_json ZLIB::ZLIB)
