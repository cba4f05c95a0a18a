#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/hdf5/handle.h"

/// Reading HDF5 files. Every function throws Error{data} that names the file and the object where
/// it is missing, damaged or of another kind than asked for. The caller holds a Session.
namespace maskclass::io::hdf5 {

/// Opens an existing file for reading; says so where it is missing, empty or not HDF5.
Node open_file(const std::filesystem::path& path);

/// Whether `name` ("obs/cell_type") leads to an object below `parent`.
bool has(const Node& parent, const std::string& name);
/// Opens the group or dataset `name` below `parent`.
Node open(const Node& parent, const std::string& name);
/// Opens a dataset that will be read in blocks of rows: its cache holds a full row of chunks (up to
/// 256 MB), so that no chunk is decompressed twice.
Node open_for_blocks(const Node& parent, const std::string& name);

bool is_group(const Node& node);
/// Names of what is in a group, sorted.
std::vector<std::string> child_names(const Node& group);

/// Extent of a dataset; empty for a scalar.
std::vector<std::int64_t> shape(const Node& dataset);
/// Length of a dataset of one dimension.
std::int64_t length(const Node& dataset);
/// Rows a chunk holds; 0 where the dataset is not chunked.
std::int64_t chunk_rows(const Node& dataset);
Handle type_of(const Node& dataset);
H5T_class_t type_class(const Node& dataset);
/// Whether the elements are numbers, or booleans (which AnnData stores as an enumeration).
bool is_numeric(const Node& dataset);

/// Rows [first, first + n) of a dataset into `out`, in the type `memory_type`; HDF5 converts.
void read_rows(const Node& dataset, std::int64_t first, std::int64_t n, hid_t memory_type,
               void* out);
/// All of a numeric dataset.
std::vector<double> read_doubles(const Node& dataset);
std::vector<std::int64_t> read_integers(const Node& dataset);
/// Rows of numbers as float32. Where rounding would hide that a number is above 2^24, the result is
/// above 2^24 too.
void read_floats(const Node& dataset, std::int64_t first, std::int64_t n, float* out);
/// Rows of indices; those that int32 cannot hold become -1.
void read_indices(const Node& dataset, std::int64_t first, std::int64_t n, std::int32_t* out);
/// All strings of a dataset, of fixed or variable length.
std::vector<std::string> read_strings(const Node& dataset);
/// Strings as they are, numbers in their shortest exact form, booleans as "True" and "False".
std::vector<std::string> read_as_text(const Node& dataset);
/// A dataset of one value as text; booleans are "true" and "false".
std::string read_scalar_text(const Node& scalar);

/// Attributes; nothing where there is none of that name.
bool has_attribute(const Node& node, const std::string& name);
std::optional<std::vector<std::string>> text_attribute(const Node& node, const std::string& name);
std::optional<std::vector<std::int64_t>> integer_attribute(const Node& node,
                                                           const std::string& name);

}  // namespace maskclass::io::hdf5
