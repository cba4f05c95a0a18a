#include "engine/io/h5ad/h5ad_frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/error.h"

namespace maskclass::io {
namespace {

constexpr const char* kOldCategories = "__categories";
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string index_of(const hdf5::Node& group) {
  const auto named = hdf5::text_attribute(group, "_index");
  if (named && named->size() == 1) return named->front();
  for (const char* name : {"_index", "index"}) {
    if (hdf5::has(group, name)) return name;
  }
  throw data_error(group.where + ": the table has no index (the names of its rows)");
}

std::vector<std::string> columns_of(const hdf5::Node& group, const std::string& index) {
  std::vector<std::string> names;
  if (const auto ordered = hdf5::text_attribute(group, "column-order")) {
    names = *ordered;
  } else {
    names = hdf5::child_names(group);
  }
  std::erase_if(names, [&](const std::string& name) {
    return name.empty() || name == index || name == kOldCategories || !hdf5::has(group, name);
  });
  return names;
}

/// The dataset of categories that a column of codes refers to (AnnData 0.7).
std::optional<hdf5::Node> referred_categories(const hdf5::Node& codes) {
  if (!hdf5::has_attribute(codes, "categories")) return std::nullopt;
  const auto open = [&](hid_t id) {
    return hdf5::checked_handle(id, codes.where, "cannot find its categories");
  };
  const hdf5::Handle attribute = open(H5Aopen(codes.id(), "categories", H5P_DEFAULT));
  const hdf5::Handle type = open(H5Aget_type(attribute.id()));
  if (H5Tequal(type.id(), H5T_STD_REF_OBJ) <= 0) return std::nullopt;
  hobj_ref_t reference{};
  hdf5::check(H5Aread(attribute.id(), H5T_STD_REF_OBJ, &reference), codes.where,
              "cannot find its categories");
  return hdf5::Node{open(H5Rdereference2(codes.id(), H5P_DEFAULT, H5R_OBJECT, &reference)),
                    codes.where + " (categories)"};
}

bool is_ordered(const hdf5::Node& node) {
  const auto flag = hdf5::integer_attribute(node, "ordered");
  return flag && flag->size() == 1 && flag->front() != 0;
}

/// values[codes[k]], or `missing` for a negative code.
template <class Value>
std::vector<Value> decode(const Categorical& column, const std::vector<Value>& values,
                          const Value& missing) {
  const std::vector<std::int64_t> codes = hdf5::read_integers(column.codes);
  std::vector<Value> result;
  result.reserve(codes.size());
  for (const std::int64_t code : codes) {
    if (code >= static_cast<std::int64_t>(values.size())) {
      throw data_error(fmt::format("{}: code {} is beyond its {} categories", column.codes.where,
                                   code, values.size()));
    }
    result.push_back(code < 0 ? missing : values[code]);
  }
  return result;
}

/// Puts `missing` where the mask of a nullable column (a group of values and mask) is set.
template <class Value>
std::vector<Value> masked(const hdf5::Node& column, std::vector<Value> values,
                          const Value& missing) {
  const std::vector<std::int64_t> mask = hdf5::read_integers(hdf5::open(column, "mask"));
  if (mask.size() != values.size()) {
    throw data_error(column.where + ": its values and its mask differ in length");
  }
  for (std::size_t k = 0; k < mask.size(); ++k) {
    if (mask[k] != 0) values[k] = missing;
  }
  return values;
}

/// Values of a column that is not of categories.
std::vector<std::string> text_of(const hdf5::Node& column) {
  if (!hdf5::is_group(column)) return hdf5::read_as_text(column);
  return masked<std::string>(column, hdf5::read_as_text(hdf5::open(column, "values")), "");
}
std::vector<double> numbers_of(const hdf5::Node& column) {
  if (!hdf5::is_group(column)) return hdf5::read_doubles(column);
  return masked(column, hdf5::read_doubles(hdf5::open(column, "values")), kMissing);
}

}  // namespace

bool Frame::has_column(const std::string& name) const {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

Frame open_frame(const hdf5::Node& file, const std::string& name) {
  const hdf5::Node node = hdf5::open(file, name);
  if (!hdf5::is_group(node)) {
    throw data_error(node.where +
                     ": is a compound dataset, as AnnData wrote before 0.7; open the file with a "
                     "newer anndata and write it again");
  }
  return as_frame(node);
}

Frame as_frame(const hdf5::Node& group) {
  Frame frame{hdf5::share(group), "", {}};
  frame.index = index_of(frame.group);
  frame.columns = columns_of(frame.group, frame.index);
  return frame;
}

std::vector<std::string> row_names(const Frame& frame) {
  return text_column(hdf5::open(frame.group, frame.index));
}

std::optional<Categorical> as_categorical(const hdf5::Node& column) {
  if (hdf5::is_group(column)) {
    if (!hdf5::has(column, "codes") || !hdf5::has(column, "categories")) return std::nullopt;
    return Categorical{hdf5::open(column, "codes"), hdf5::open(column, "categories"),
                       is_ordered(column)};
  }
  auto categories = referred_categories(column);
  if (!categories) return std::nullopt;
  hdf5::Node codes = hdf5::share(column);
  const bool ordered = is_ordered(*categories);
  return Categorical{std::move(codes), std::move(*categories), ordered};
}

std::vector<std::string> text_column(const hdf5::Node& column) {
  if (const auto categorical = as_categorical(column)) {
    return decode<std::string>(*categorical, text_of(categorical->categories), "");
  }
  return text_of(column);
}

std::vector<double> number_column(const hdf5::Node& column) {
  if (const auto categorical = as_categorical(column)) {
    return decode(*categorical, numbers_of(categorical->categories), kMissing);
  }
  return numbers_of(column);
}

}  // namespace maskclass::io
