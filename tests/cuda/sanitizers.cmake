# sanitize_memcheck, sanitize_racecheck, sanitize_initcheck, sanitize_synccheck: all tests under a
# tool of compute-sanitizer, on a machine with a GPU. Refused calls are part of the tests.
if(NOT MASKCLASS_CUDA_ON_CPU)
  find_program(MASKCLASS_SANITIZER compute-sanitizer HINTS "${CUDAToolkit_BIN_DIR}"
               DOC "compute-sanitizer of the CUDA Toolkit")
  get_property(tests GLOBAL PROPERTY maskclass_cuda_tests)
  foreach(tool memcheck racecheck initcheck synccheck)
    if(MASKCLASS_SANITIZER)
      set(commands)
      foreach(test IN LISTS tests)
        list(APPEND commands COMMAND ${MASKCLASS_SANITIZER} --tool ${tool} --error-exitcode 1
             --report-api-errors no $<TARGET_FILE:${test}>)
      endforeach()
      add_custom_target(sanitize_${tool} ${commands} USES_TERMINAL VERBATIM)
      add_dependencies(sanitize_${tool} ${tests})
    else()
      add_custom_target(sanitize_${tool}
        COMMAND ${CMAKE_COMMAND} -E echo
                "compute-sanitizer was not found: it is a part of the CUDA Toolkit"
        COMMAND ${CMAKE_COMMAND} -E false VERBATIM)
    endif()
  endforeach()
endif()
