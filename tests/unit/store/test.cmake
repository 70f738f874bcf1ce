find_package(ZLIB REQUIRED)
target_link_libraries(test_store PRIVATE ZLIB::ZLIB)
