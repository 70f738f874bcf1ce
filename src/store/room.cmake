find_package(ZLIB REQUIRED)
target_link_libraries(tenwatt_store PUBLIC fmt::fmt PRIVATE ZLIB::ZLIB)
