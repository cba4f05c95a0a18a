#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/io/hdf5/handle.h"

/// Writing HDF5 files whose bytes depend on nothing but what is written (no times are stored).
/// Every function throws Error{data} that names the file and the object where HDF5 fails (a full
/// disk). The caller holds a Session.
namespace maskclass::io::hdf5 {

/// Creates or empties a file.
Node create_file(const std::filesystem::path& path);
/// Hands everything to the operating system.
void flush(const Node& file);

Node create_group(const Node& parent, const std::string& name);
/// Removes `name` where it exists.
void remove(const Node& parent, const std::string& name);

/// An empty dataset of `type`; extent {} is a scalar. With `chunk_rows` it is stored in chunks of
/// that many whole rows, which are compressed with gzip (behind a shuffle of bytes) of level
/// `compression`, 1 to 9; 0 is none.
Node create_dataset(const Node& parent, const std::string& name, hid_t type,
                    const std::vector<std::int64_t>& extent, std::int64_t chunk_rows = 0,
                    int compression = 0);
/// A dataset of one dimension that append() makes longer.
Node create_growing(const Node& parent, const std::string& name, hid_t type, int compression);
/// Writes `n` elements of `memory_type` behind the `size` that are there.
void append(const Node& dataset, std::int64_t size, std::int64_t n, hid_t memory_type,
            const void* data);
/// The same, created by `creation`, a property list, or contiguous where that is none.
Node create_dataset_like(const Node& parent, const std::string& name, hid_t type,
                         const std::vector<std::int64_t>& extent, const Handle& creation);
/// Writes rows [first, first + n) from `data`, whose elements are of `memory_type`.
void write_rows(const Node& dataset, std::int64_t first, std::int64_t n, hid_t memory_type,
                const void* data);
/// Writes the whole dataset.
void write_all(const Node& dataset, hid_t memory_type, const void* data);

/// Datasets of one dimension.
Node write(const Node& parent, const std::string& name, std::span<const float> values,
           int compression = 0);
Node write(const Node& parent, const std::string& name, std::span<const double> values);
Node write(const Node& parent, const std::string& name, std::span<const std::int32_t> values,
           int compression = 0);
Node write(const Node& parent, const std::string& name, std::span<const std::int64_t> values);
Node write(const Node& parent, const std::string& name, std::span<const std::string> values);
/// Booleans, from 0 and 1: the enumeration of FALSE and TRUE that h5py makes of them.
Node write_booleans(const Node& parent, const std::string& name,
                    std::span<const std::uint8_t> values);

/// Datasets of one value.
Node write_scalar(const Node& parent, const std::string& name, double value);
Node write_scalar(const Node& parent, const std::string& name, std::int64_t value);
Node write_scalar(const Node& parent, const std::string& name, std::uint64_t value);
Node write_scalar(const Node& parent, const std::string& name, const std::string& value);
Node write_boolean(const Node& parent, const std::string& name, bool value);

/// Attributes.
void set_attribute(const Node& node, const std::string& name, const std::string& value);
void set_attribute(const Node& node, const std::string& name, std::span<const std::string> values);
void set_attribute(const Node& node, const std::string& name, std::span<const std::int64_t> values);
void set_attribute(const Node& node, const std::string& name, bool value);

/// An attribute of any type and extent; `data` may be null where the extent is empty.
void create_attribute(const Node& node, const std::string& name, hid_t type, const Handle& space,
                      const void* data);

}  // namespace maskclass::io::hdf5
