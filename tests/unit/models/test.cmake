find_package(nlohmann_json REQUIRED)
target_link_libraries(test_models PRIVATE tenwatt_devices_cpu tenwatt_decoding
                                          nlohmann_json::nlohmann_json)
tenwatt_attack(test_models models)
