#pragma once

#include <filesystem>

namespace maskclass::io::hdf5 {

/// HDF5 1.10 takes a file at its word: where bytes of its metadata are damaged, the library may
/// write beyond its memory and end the program, or never return. This looks at all that is in the
/// file (objects, attributes, text, indices of chunks, values of small datasets) in a child process
/// first, and copies it there as a result that carries it over would. Throws Error{data} where the
/// child does not survive that; what it finds wrong otherwise is for the reader to say. Takes as
/// long as reading the names and, at most, 16 MB of values does. To be called outside of a Session,
/// where no other thread is within one.
void survive_opening(const std::filesystem::path& path);

}  // namespace maskclass::io::hdf5
