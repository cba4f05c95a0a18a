#pragma once

namespace maskclass::io::hdf5 {

/// Whether this thread is within a Session (handle.h); may be asked in a signal handler, and
/// without HDF5's headers.
bool is_within_session() noexcept;

}  // namespace maskclass::io::hdf5
