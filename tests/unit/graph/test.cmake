# Tests that read models need the room that imports them.
set(importing reference_onnx_node_test.cc reference_models_test.cc models_test.cc)
if(TARGET tenwatt_exchange)
  target_link_libraries(test_graph PRIVATE tenwatt_exchange)
else()
  list(TRANSFORM importing PREPEND ${folder}/)
  set_source_files_properties(${importing} PROPERTIES HEADER_FILE_ONLY ON)
endif()
