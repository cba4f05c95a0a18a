#include "engine/io/h5ad/h5ad_joined_column.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/error.h"
#include "engine/io/hdf5/read.h"

namespace maskclass::io {
namespace {

/// Up to which a double holds every whole number.
constexpr std::int64_t kLargestWhole = std::int64_t{1} << 53;

void check_length(const hdf5::Node& column, std::int64_t n_found, std::int64_t n) {
  if (n_found == n) return;
  throw data_error(
      fmt::format("{}: has {} values for {} rows; the file is damaged", column.where, n_found, n));
}

/// The dataset of values: of a nullable column (a group of values and mask) too.
hdf5::Node values_of(const hdf5::Node& column) {
  return hdf5::is_group(column) ? hdf5::open(column, "values") : hdf5::share(column);
}

/// [n]: whether a value is missing; empty where none can be.
std::vector<std::int64_t> mask_of(const hdf5::Node& column, std::int64_t n) {
  if (!hdf5::is_group(column)) return {};
  std::vector<std::int64_t> mask = hdf5::read_integers(hdf5::open(column, "mask"));
  check_length(column, std::ssize(mask), n);
  return mask;
}

void check_exact(const hdf5::Node& column) {
  if (kind_of_column(column) != ColumnKind::whole_numbers) return;
  for (const std::int64_t value : hdf5::read_integers(values_of(column))) {
    if (value <= kLargestWhole && value >= -kLargestWhole) continue;
    throw data_error(fmt::format("{}: {} is too large to be joined", column.where, value));
  }
}

template <class Value, class Source>
std::vector<Value> pick(const std::vector<Source>& values, const std::vector<std::int64_t>& rows) {
  std::vector<Value> picked;
  picked.reserve(rows.size());
  for (const std::int64_t row : rows) picked.push_back(static_cast<Value>(values[row]));
  return picked;
}

void write_booleans(const std::vector<double>& values, const std::string& name,
                    FrameWriter& target) {
  std::vector<std::uint8_t> flags, mask;
  for (const double value : values) {
    flags.push_back(value > 0 ? 1 : 0);
    mask.push_back(std::isnan(value) ? 1 : 0);
  }
  if (std::count(mask.begin(), mask.end(), 1) == 0) {
    target.add_booleans(name, flags);
  } else {
    target.add_booleans(name, flags, mask);
  }
}

}  // namespace

ColumnKind kind_of_column(const hdf5::Node& column) {
  if (as_categorical(column)) return ColumnKind::text;
  switch (hdf5::type_class(values_of(column))) {
    case H5T_STRING:
      return ColumnKind::text;
    case H5T_ENUM:
      return ColumnKind::booleans;
    case H5T_INTEGER:
      return ColumnKind::whole_numbers;
    case H5T_FLOAT:
      return ColumnKind::numbers;
    default:
      throw data_error(column.where + ": is of a kind that cannot be joined");
  }
}

ColumnKind common_kind(ColumnKind one, ColumnKind other) {
  const auto is_number = [](ColumnKind kind) {
    return kind == ColumnKind::whole_numbers || kind == ColumnKind::numbers;
  };
  if (one == other) return one;
  return is_number(one) && is_number(other) ? ColumnKind::numbers : ColumnKind::text;
}

JoinedColumn::JoinedColumn(ColumnKind kind, std::int64_t n_rows) : kind_(kind) {
  if (kind == ColumnKind::text) {
    codes_.assign(n_rows, -1);
  } else {
    numbers_.assign(n_rows, std::numeric_limits<double>::quiet_NaN());
  }
}

void JoinedColumn::put(const hdf5::Node& column, std::int64_t first, std::int64_t n) {
  if (kind_ != ColumnKind::text) {
    put_numbers(column, first, n);
  } else if (const auto categorical = as_categorical(column)) {
    put_categories(*categorical, first, n);
  } else {
    put_text(column, first, n);
  }
  ++n_put_;
}

void JoinedColumn::put_numbers(const hdf5::Node& column, std::int64_t first, std::int64_t n) {
  check_exact(column);
  const std::vector<double> values = number_column(column);
  check_length(column, std::ssize(values), n);
  std::copy(values.begin(), values.end(), numbers_.begin() + first);
}

void JoinedColumn::put_categories(const Categorical& column, std::int64_t first, std::int64_t n) {
  const std::vector<std::int64_t> codes = hdf5::read_integers(column.codes);
  check_length(column.codes, std::ssize(codes), n);
  const std::vector<std::string> names = text_column(column.categories);
  ordered_ = ordered_ && column.ordered && (n_put_ == 0 || names == categories_);
  plain_ = false;
  std::vector<std::int32_t> code;
  code.reserve(names.size());
  for (const std::string& name : names) code.push_back(code_of(name));
  for (std::int64_t k = 0; k < n; ++k) {
    if (codes[k] >= std::ssize(names)) {
      throw data_error(fmt::format("{}: code {} is beyond its {} categories", column.codes.where,
                                   codes[k], names.size()));
    }
    if (codes[k] >= 0) codes_[first + k] = code[codes[k]];
  }
}

void JoinedColumn::put_text(const hdf5::Node& column, std::int64_t first, std::int64_t n) {
  const std::vector<std::string> values = text_column(column);
  check_length(column, std::ssize(values), n);
  const std::vector<std::int64_t> mask = mask_of(column, n);
  ordered_ = false;
  for (std::int64_t k = 0; k < n; ++k) {
    if (mask.empty() || mask[k] == 0) codes_[first + k] = code_of(values[k]);
  }
}

std::int32_t JoinedColumn::code_of(const std::string& category) {
  const auto [place, is_new] =
      known_.emplace(category, static_cast<std::int32_t>(categories_.size()));
  if (is_new) categories_.push_back(category);
  return place->second;
}

void JoinedColumn::write(const std::vector<std::int64_t>& rows, const std::string& name,
                         FrameWriter& target) const {
  if (kind_ == ColumnKind::text) {
    const auto codes = pick<std::int32_t>(codes_, rows);
    if (!plain_ || std::count(codes.begin(), codes.end(), -1) > 0) {
      target.add_categorical(name, codes, categories_, ordered_);
      return;
    }
    std::vector<std::string> text;
    text.reserve(codes.size());
    for (const std::int32_t code : codes) text.push_back(categories_[code]);
    target.add(name, std::span<const std::string>(text));
    return;
  }
  const auto numbers = pick<double>(numbers_, rows);
  const bool some_missing =
      std::any_of(numbers.begin(), numbers.end(), [](double value) { return std::isnan(value); });
  if (kind_ == ColumnKind::booleans) {
    write_booleans(numbers, name, target);
  } else if (kind_ == ColumnKind::whole_numbers && !some_missing) {
    const std::vector<std::int64_t> whole(numbers.begin(), numbers.end());
    target.add(name, std::span<const std::int64_t>(whole));
  } else {
    target.add(name, std::span<const double>(numbers));
  }
}

}  // namespace maskclass::io
