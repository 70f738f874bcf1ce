# What others build against: one shared library of all rooms, the public headers and a CMake
# package. The library is linked from the objects of the program and shows only the names of
# cmake/exports.map, so that nothing of the rooms, nor of the libraries they use, is seen through it.

# All objects of the two rooms that are public, and from the archives of the others what these need.
add_library(tenwatt_library SHARED $<TARGET_OBJECTS:tenwatt_api> $<TARGET_OBJECTS:tenwatt_base>)
add_library(Tenwatt::tenwatt ALIAS tenwatt_library)
set_target_properties(tenwatt_library PROPERTIES
  OUTPUT_NAME tenwatt
  EXPORT_NAME tenwatt
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/exports.map)
target_link_libraries(tenwatt_library PRIVATE tenwatt_api tenwatt_base)
target_link_options(tenwatt_library PRIVATE
  -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/exports.map -Wl,--strip-debug)
target_compile_features(tenwatt_library INTERFACE cxx_std_23)
add_dependencies(programs tenwatt_library)

# The prefix may be moved: everything is found from where the program, the library or the package
# file lies. `lib` is the same on every system, so that the helper's way from there is too.
set(package_folder lib/cmake/Tenwatt)
set(documents_folder share/doc/tenwatt)

# Debug information names the folders of this machine.
install(CODE "set(CMAKE_INSTALL_DO_STRIP TRUE)")
install(TARGETS tenwatt RUNTIME DESTINATION bin)
install(TARGETS tenwatt-phonemize RUNTIME DESTINATION libexec/tenwatt)
install(TARGETS tenwatt_library EXPORT TenwattTargets
        LIBRARY DESTINATION lib
        INCLUDES DESTINATION include)

# Two public headers are the room base/'s own.
install(DIRECTORY include/tenwatt DESTINATION include
        FILES_MATCHING PATTERN "*.h" PATTERN result.h EXCLUDE PATTERN log.h EXCLUDE)
install(FILES src/base/result.h src/base/log.h DESTINATION include/tenwatt)

include(CMakePackageConfigHelpers)
configure_package_config_file(cmake/TenwattConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/package/TenwattConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
# Before 1.0 a minor version may change anything.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/TenwattConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(EXPORT TenwattTargets NAMESPACE Tenwatt:: DESTINATION ${package_folder})
install(FILES ${CMAKE_BINARY_DIR}/package/TenwattConfig.cmake
              ${CMAKE_BINARY_DIR}/package/TenwattConfigVersion.cmake
        DESTINATION ${package_folder})
configure_file(cmake/tenwatt.pc.in ${CMAKE_BINARY_DIR}/package/tenwatt.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/package/tenwatt.pc DESTINATION lib/pkgconfig)

install(FILES LICENSE README.md docs/api.md docs/errors.md DESTINATION ${documents_folder})
install(FILES helpers/phonemize/README.md helpers/phonemize/COPYING
        DESTINATION ${documents_folder}/phonemize)
