#pragma once

#include <span>
#include <string>

#include "engine/io/dataset.h"

namespace maskclass::io {

/// The largest value taken as a count, 2^24: up to here every whole number is exact in float32.
inline constexpr float kLargestCount = 16777216.0f;

/// float32 for a number that may have been stored as a wider type. Where rounding would hide that
/// it is above 2^24, the result is above 2^24 too, so that a check finds it.
float to_float32(double number);

/// What kind of numbers a matrix holds.
struct ValueSummary {
  bool finite = true;     ///< No NaN, no infinity.
  bool whole = true;      ///< Whole numbers only (NaN and infinity are not whole).
  bool negative = false;  ///< At least one value below zero.
  float max = 0;          ///< Largest value that is not NaN; 0 where there is none above 0.

  /// Whether the values can be counts.
  bool counts() const { return finite && whole && !negative && max <= kLargestCount; }
};

/// One pass over `values`, which may be a part of a matrix. Throws nothing.
ValueSummary summarise(std::span<const float> values);

/// The same for a whole matrix; gives memory back where it lies in a file.
ValueSummary summarise_matrix(const CsrView& counts, int n_threads = 1);

/// The summary of two parts together.
ValueSummary combine(const ValueSummary& a, const ValueSummary& b);

/// What values that are no raw counts look like: "scaled or centred (it has negative values)",
/// "log-transformed (...)", "normalised, ..."; "" for what looks like counts. Whole numbers that
/// sum to the same in every cell look normalised, too.
std::string value_appearance(const CsrView& counts);

/// Throws Error{data} at the first value (cell by cell) that is no count: NaN or infinite,
/// negative, above 2^24 or, unless `allow_non_integer`, not a whole number. The message names the
/// file, the matrix, the cell and the gene, says what the values look like (scaled,
/// log-transformed, normalised) and ends in `advice` or, where that is empty, in a general one.
void check_counts(const Dataset& dataset, bool allow_non_integer, const std::string& advice = "");

}  // namespace maskclass::io
