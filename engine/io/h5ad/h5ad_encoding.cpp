#include "engine/io/h5ad/h5ad_encoding.h"

#include <array>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"
#include "engine/io/hdf5/write.h"

namespace maskclass::io {
namespace {

void write_parameter(const hdf5::Node& dict, const std::string& name, const nlohmann::json& value) {
  const auto as_number = [](const hdf5::Node& node) {
    set_encoding(node, "numeric-scalar", "0.2.0");
  };
  const auto as_text = [](const hdf5::Node& node) { set_encoding(node, "string", "0.2.0"); };
  if (value.is_null()) return;
  if (value.is_boolean()) {
    as_number(hdf5::write_boolean(dict, name, value.get<bool>()));
  } else if (value.is_number_unsigned() && value.get<std::uint64_t>() >> 63 != 0) {
    as_number(hdf5::write_scalar(dict, name, value.get<std::uint64_t>()));  // a large seed
  } else if (value.is_number_integer()) {
    as_number(hdf5::write_scalar(dict, name, value.get<std::int64_t>()));
  } else if (value.is_number()) {
    as_number(hdf5::write_scalar(dict, name, value.get<double>()));
  } else {
    as_text(hdf5::write_scalar(dict, name,
                               value.is_string() ? value.get<std::string>() : value.dump()));
  }
}

}  // namespace

void set_encoding(const hdf5::Node& node, const std::string& type, const std::string& version) {
  hdf5::set_attribute(node, "encoding-type", type);
  hdf5::set_attribute(node, "encoding-version", version);
}

void complete_encoding(const hdf5::Node& dataset) {
  if (hdf5::has_attribute(dataset, "encoding-type")) return;
  const H5T_class_t kind = hdf5::type_class(dataset);
  const bool scalar = hdf5::shape(dataset).empty();
  if (kind == H5T_COMPOUND) return set_encoding(dataset, "rec-array", "0.2.0");
  if (kind == H5T_STRING) return set_encoding(dataset, scalar ? "string" : "string-array", "0.2.0");
  set_encoding(dataset, scalar ? "numeric-scalar" : "array", "0.2.0");
}

hdf5::Node write_dict(const hdf5::Node& parent, const std::string& name) {
  hdf5::Node dict = hdf5::create_group(parent, name);
  set_encoding(dict, "dict", "0.1.0");
  return dict;
}

hdf5::Node create_dense(const hdf5::Node& parent, const std::string& name, std::int64_t n_rows,
                        std::int64_t n_columns, std::int64_t chunk_rows, int compression) {
  hdf5::Node dataset = hdf5::create_dataset(parent, name, H5T_IEEE_F32LE, {n_rows, n_columns},
                                            chunk_rows, compression);
  set_encoding(dataset, "array", "0.2.0");
  return dataset;
}

void write_csr(const hdf5::Node& parent, const std::string& name, const CsrView& matrix,
               int compression) {
  const hdf5::Node group = hdf5::create_group(parent, name);
  set_encoding(group, "csr_matrix", "0.1.0");
  const std::array<std::int64_t, 2> shape{matrix.n_cells, matrix.n_genes};
  hdf5::set_attribute(group, "shape", std::span<const std::int64_t>(shape));
  hdf5::write(group, "data", matrix.values, compression);
  hdf5::write(group, "indices", matrix.indices, compression);
  hdf5::write(group, "indptr", matrix.indptr);
}

void write_array(const hdf5::Node& parent, const std::string& name,
                 std::span<const double> values) {
  set_encoding(hdf5::write(parent, name, values), "array", "0.2.0");
}
void write_array(const hdf5::Node& parent, const std::string& name, std::span<const float> values) {
  set_encoding(hdf5::write(parent, name, values), "array", "0.2.0");
}
void write_array(const hdf5::Node& parent, const std::string& name,
                 std::span<const std::int64_t> values) {
  set_encoding(hdf5::write(parent, name, values), "array", "0.2.0");
}
void write_array(const hdf5::Node& parent, const std::string& name,
                 std::span<const std::string> values) {
  set_encoding(hdf5::write(parent, name, values), "string-array", "0.2.0");
}
void write_boolean_array(const hdf5::Node& parent, const std::string& name,
                         std::span<const std::uint8_t> values) {
  set_encoding(hdf5::write_booleans(parent, name, values), "array", "0.2.0");
}

void write_parameters(const hdf5::Node& dict, const std::string& json) {
  if (json.empty()) return;
  const nlohmann::json parameters = nlohmann::json::parse(json, nullptr, false);
  if (!parameters.is_object()) throw usage_error("the parameters are not a JSON object");
  for (const auto& [name, value] : parameters.items()) write_parameter(dict, name, value);
}

}  // namespace maskclass::io
