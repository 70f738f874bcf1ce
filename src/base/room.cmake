find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Threads REQUIRED)
target_link_libraries(tenwatt_base PUBLIC fmt::fmt Threads::Threads PRIVATE spdlog::spdlog OpenSSL::Crypto)
# Random numbers are the same on every machine only without fused multiply-adds.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/base/random.cc PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
