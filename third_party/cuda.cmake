# How the CUDA sources are compiled: by nvcc for GPUs, or by nvcc and cuda-on-cpu for this processor.
#
# MASKCLASS_CUDA      AUTO: build the CUDA backend where nvcc is found; ON: require it; OFF: leave it out
# MASKCLASS_CUDA_ON_CPU  run the kernels on the processor (third_party/cuda-on-cpu), for the tests
set(MASKCLASS_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO, ON or OFF")
set_property(CACHE MASKCLASS_CUDA PROPERTY STRINGS AUTO ON OFF)
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
set(MASKCLASS_NVCC_OPTIONS -std=c++20 -fmad=false -Werror=all-warnings)

if(MASKCLASS_CUDA_ON_CPU)
  include(third_party/cuda-on-cpu/cmake/CudaOnCpu.cmake)
  message(STATUS "CUDA: nvcc ${CUDAToolkit_VERSION}, kernels run on the processor")
else()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    # The machine's own GPU; without one, one architecture, which proves that the sources compile.
    execute_process(COMMAND nvidia-smi -L OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE no_gpu)
    if(no_gpu)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    else()
      set(CMAKE_CUDA_ARCHITECTURES native)
    endif()
  endif()
  enable_language(CUDA)
  message(STATUS "CUDA: nvcc ${CUDAToolkit_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
endif()

# maskclass_cuda_sources(<target> <files.cu>...): adds CUDA sources to a target.
function(maskclass_cuda_sources target)
  if(MASKCLASS_CUDA_ON_CPU)
    cuda_on_cpu_sources(${target} SOURCES ${ARGN} OPTIONS ${MASKCLASS_NVCC_OPTIONS} RESOURCES)
  else()
    target_sources(${target} PRIVATE ${ARGN})
    target_compile_options(${target} PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:${MASKCLASS_NVCC_OPTIONS}>")
    target_link_libraries(${target} PUBLIC CUDA::cudart_static CUDA::cublas)
  endif()
endfunction()
