find_package(CURL REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
target_link_libraries(tenwatt_store PUBLIC fmt::fmt
  PRIVATE CURL::libcurl nlohmann_json::nlohmann_json OpenSSL::Crypto ZLIB::ZLIB)
