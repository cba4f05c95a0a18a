# Where each dependency comes from. third_party/README.md lists their licences and packages.
find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(hwy REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)

if(MASKCLASS_HDF5)
  find_package(HDF5 REQUIRED COMPONENTS C)
endif()
if(MASKCLASS_CLI OR MASKCLASS_TESTS)
  find_package(ZLIB REQUIRED)
  # Not by find_package: Debian's libzip-config.cmake asks for programs of another package.
  find_path(LIBZIP_INCLUDE_DIR zip.h REQUIRED)
  find_library(LIBZIP_LIBRARY zip REQUIRED)
  add_library(maskclass_libzip INTERFACE)
  target_include_directories(maskclass_libzip SYSTEM INTERFACE ${LIBZIP_INCLUDE_DIR})
  target_link_libraries(maskclass_libzip INTERFACE ${LIBZIP_LIBRARY})
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(CLI11 REQUIRED)
endif()
if(MASKCLASS_TESTS)
  find_package(doctest REQUIRED)
endif()

# Found if present, never needed.
include(third_party/cuda.cmake)
