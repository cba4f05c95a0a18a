#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/io/hdf5/handle.h"
#include "engine/matrix/csr.h"

/// AnnData's on-disk encodings, as anndata 0.8 and newer read them: every object says what it is
/// in the attributes encoding-type and encoding-version. The caller holds a hdf5::Session.
/// Source: anndata's documentation, "On-disk format".
namespace maskclass::io {

void set_encoding(const hdf5::Node& node, const std::string& type, const std::string& version);

/// Files of anndata 0.7 do not say how a dataset is encoded: adds what newer ones say.
void complete_encoding(const hdf5::Node& dataset);

/// A group that maps names to objects (layers, obsm, uns, ...).
hdf5::Node write_dict(const hdf5::Node& parent, const std::string& name);
/// A dense float32 matrix, its values to be written in rows; see hdf5::create_dataset.
hdf5::Node create_dense(const hdf5::Node& parent, const std::string& name, std::int64_t n_rows,
                        std::int64_t n_columns, std::int64_t chunk_rows, int compression);
/// A sparse matrix of cells x genes: data float32, indices int32, indptr int64.
void write_csr(const hdf5::Node& parent, const std::string& name, const CsrView& matrix,
               int compression = 0);

void write_array(const hdf5::Node& parent, const std::string& name, std::span<const double> values);
void write_array(const hdf5::Node& parent, const std::string& name, std::span<const float> values);
void write_array(const hdf5::Node& parent, const std::string& name,
                 std::span<const std::int64_t> values);
void write_array(const hdf5::Node& parent, const std::string& name,
                 std::span<const std::string> values);
void write_boolean_array(const hdf5::Node& parent, const std::string& name,
                         std::span<const std::uint8_t> values);

/// Writes each member of a flat JSON object as a value of its own below `dict`: text, whole
/// numbers, other numbers, booleans. Null is left out; lists and objects are written as JSON text.
/// Throws Error{usage} for text that is no JSON object.
void write_parameters(const hdf5::Node& dict, const std::string& json);

}  // namespace maskclass::io
