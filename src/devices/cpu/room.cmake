# Kernels: every kernels/*.level.cc once per instruction level, as an object library with that
# level's flags. A level that adds to another one has the kernels/*_bf16.level.cc only and takes the
# rest from there (probe/probe.cc). Always -O2 and never instrumented: at -O0 inline functions would
# be emitted, and the linker could keep one compiled for instructions that this machine lacks.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels/*.level.cc)
list(FILTER kernel_sources EXCLUDE REGEX "_bf16\\.level\\.cc$")
file(GLOB bf16_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels/*_bf16.level.cc)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(kernel_levels v2 avx2 avx512 avx512bf16)
  set(kernel_flags_v2 -march=x86-64-v2)
  set(kernel_flags_avx2 -march=x86-64-v2 -mavx2 -mfma -mf16c -mbmi2)
  set(kernel_flags_avx512 -march=x86-64-v2 -mavx2 -mfma -mf16c -mbmi2 -mavx512f -mavx512bw
                          -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi)
  set(kernel_flags_avx512bf16 ${kernel_flags_avx512} -mavx512bf16)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(kernel_levels neon i8mm)
  set(kernel_flags_neon -march=armv8.2-a+dotprod+fp16)
  set(kernel_flags_i8mm -march=armv8.2-a+dotprod+fp16+i8mm)
else()
  message(FATAL_ERROR "devices/cpu has no kernels for ${CMAKE_SYSTEM_PROCESSOR}")
endif()

# Plain loops over every element type: worth vectorising even where the trip count is unknown.
set(plain_loops cast fold product typed)
list(TRANSFORM plain_loops PREPEND ${CMAKE_CURRENT_LIST_DIR}/kernels/)
list(TRANSFORM plain_loops APPEND .level.cc)
set_source_files_properties(${plain_loops} PROPERTIES COMPILE_OPTIONS
                            "-ftree-vectorize;$<$<CXX_COMPILER_ID:GNU>:-fvect-cost-model=dynamic>")

foreach(level ${kernel_levels})
  if(level MATCHES "bf16$")
    set(sources ${bf16_sources})
  else()
    set(sources ${kernel_sources})
  endif()
  add_library(tenwatt_kernels_${level} OBJECT ${sources})
  target_include_directories(tenwatt_kernels_${level}
                             PRIVATE ${room_include})
  target_compile_definitions(tenwatt_kernels_${level} PRIVATE TENWATT_LEVEL=${level})
  target_compile_options(tenwatt_kernels_${level} PRIVATE
    ${kernel_flags_${level}} -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math
    -fno-exceptions -fno-sanitize=all -fno-lto
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized -Wno-maybe-uninitialized -Wno-psabi
                             -Wno-ignored-attributes>)
  target_sources(tenwatt_devices_cpu PRIVATE $<TARGET_OBJECTS:tenwatt_kernels_${level}>)
  target_compile_definitions(tenwatt_devices_cpu PRIVATE TENWATT_HAS_LEVEL_${level})
endforeach()

# Where the objects lie, for the test that looks at their symbols.
foreach(level ${kernel_levels})
  list(APPEND kernel_objects $<TARGET_OBJECTS:tenwatt_kernels_${level}>)
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/kernel_objects.txt
     CONTENT "$<JOIN:${kernel_objects},\n>\n")
