find_package(CLI11 REQUIRED)
target_link_libraries(tenwatt_cli PRIVATE CLI11::CLI11)
# The verbs call the public API; its headers are all they see of it.
if(TARGET tenwatt_api)
  target_link_libraries(tenwatt_cli PUBLIC tenwatt_api)
endif()
