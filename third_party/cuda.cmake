# How the CUDA sources are compiled: by nvcc for GPUs, or by nvcc and cuda-on-cpu for this processor.
#
# MASKCLASS_CUDA      AUTO: build the CUDA backend where nvcc is found; ON: require it; OFF: leave it out
# MASKCLASS_CUDA_ON_CPU  run the kernels on the processor (third_party/cuda-on-cpu), for the tests
# CMAKE_CUDA_ARCHITECTURES  what to compile for; by default the machine's own GPU, or
# MASKCLASS_CUDA_EVERY_GPU  every GPU from compute capability 7.5 on that this nvcc knows
set(MASKCLASS_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO, ON or OFF")
set_property(CACHE MASKCLASS_CUDA PROPERTY STRINGS AUTO ON OFF)
option(MASKCLASS_CUDA_EVERY_GPU "Compile for every GPU that nvcc knows" OFF)
option(MASKCLASS_CUDA_ON_CPU "Run the CUDA kernels on the processor, for tests without a GPU" OFF)

set(MASKCLASS_WITH_CUDA OFF)
if(MASKCLASS_CUDA STREQUAL "OFF")
  return()
endif()

include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(MASKCLASS_CUDA STREQUAL "ON" OR MASKCLASS_CUDA_ON_CPU)
    message(FATAL_ERROR "No CUDA compiler was found: install the CUDA Toolkit, put nvcc on PATH, or "
                        "configure with -DMASKCLASS_CUDA=OFF")
  endif()
  message(STATUS "CUDA: no nvcc was found; building for the processor alone")
  return()
endif()
set(MASKCLASS_WITH_CUDA ON)
find_package(CUDAToolkit REQUIRED)

# -fmad=false: as -ffp-contract=off on the processor, a multiplication and an addition are fused
# where the source says fma and nowhere else.
set(MASKCLASS_NVCC_OPTIONS -fmad=false -Werror=all-warnings
  -Xcompiler=-Wall,-Wextra,-ffp-contract=off)

# Sets `result` to the architectures to compile for where the user has not said.
function(maskclass_cuda_architectures result)
  if(MASKCLASS_CUDA_EVERY_GPU)
    # Machine code for each; the newest of the two families also as PTX, for GPUs to come.
    execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-arch OUTPUT_VARIABLE known
                    COMMAND_ERROR_IS_FATAL ANY)
    set(wanted 75-real 80-real 86-real 89-real 90-real 100 120)
    foreach(architecture IN LISTS wanted)
      string(REGEX MATCH "[0-9]+" number "${architecture}")
      if(NOT known MATCHES "compute_${number}\n")
        list(REMOVE_ITEM wanted "${architecture}")
        message(STATUS "CUDA: this nvcc does not know compute capability ${number}")
      endif()
    endforeach()
    if(NOT "100" IN_LIST wanted)
      list(TRANSFORM wanted REPLACE "90-real" "90")
    endif()
    set(${result} "${wanted}" PARENT_SCOPE)
    return()
  endif()
  # The machine's own GPU; without one, one architecture, which proves that the sources compile.
  execute_process(COMMAND nvidia-smi -L OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE no_gpu)
  if(no_gpu)
    set(${result} 90 PARENT_SCOPE)
  else()
    set(${result} native PARENT_SCOPE)
  endif()
endfunction()

if(MASKCLASS_CUDA_ON_CPU)
  include(third_party/cuda-on-cpu/cmake/CudaOnCpu.cmake)
  message(STATUS "CUDA: nvcc ${CUDAToolkit_VERSION}, kernels run on the processor")
else()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    maskclass_cuda_architectures(CMAKE_CUDA_ARCHITECTURES)
  endif()
  enable_language(CUDA)
  # CMake before 3.26 does not know that nvcc 12 and later have it.
  if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  message(STATUS "CUDA: nvcc ${CUDAToolkit_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
endif()

# maskclass_cuda_sources(<target> <files.cu>...): adds CUDA sources to a target.
function(maskclass_cuda_sources target)
  if(MASKCLASS_CUDA_ON_CPU)
    cuda_on_cpu_sources(${target} SOURCES ${ARGN} OPTIONS -std=c++20 ${MASKCLASS_NVCC_OPTIONS}
      RESOURCES)
  else()
    target_sources(${target} PRIVATE ${ARGN})
    target_compile_options(${target} PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:${MASKCLASS_NVCC_OPTIONS}>")
    # The runtime is linked in, and cuBLAS is loaded when it is needed (kernels/cuda/runtime/blas.h),
    # from this toolkit where the system does not know of one: to run takes the driver alone.
    target_link_libraries(${target} PUBLIC CUDA::cudart_static ${CMAKE_DL_LIBS})
    target_link_options(${target} PUBLIC "LINKER:-rpath,${CUDAToolkit_LIBRARY_DIR}")
  endif()
endfunction()
