find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
target_link_libraries(tenwatt_text PUBLIC fmt::fmt PRIVATE nlohmann_json::nlohmann_json
                                                          PkgConfig::UTF8PROC)
