# AnnData .h5ad files. Without HDF5 the rest of maskclass_io builds, and MASKCLASS_HAS_HDF5 is not
# defined.
if(MASKCLASS_HDF5)
  target_sources(maskclass_io PRIVATE
    h5ad_carry.cpp h5ad_encoding.cpp h5ad_frame.cpp h5ad_frame_writer.cpp h5ad_matrix.cpp
    h5ad_reader.cpp h5ad_result_reader.cpp h5ad_rows.cpp h5ad_writer.cpp
    hdf5_copy.cpp hdf5_handle.cpp hdf5_read.cpp hdf5_values.cpp hdf5_write.cpp)
  target_include_directories(maskclass_io SYSTEM PRIVATE ${HDF5_INCLUDE_DIRS})
  target_compile_definitions(maskclass_io PUBLIC MASKCLASS_HAS_HDF5 PRIVATE ${HDF5_DEFINITIONS})
  target_link_libraries(maskclass_io PRIVATE ${HDF5_C_LIBRARIES})
endif()
