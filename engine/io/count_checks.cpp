#include "engine/io/count_checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/error.h"

namespace maskclass::io {
namespace {

/// Adding 2^23 to a smaller float leaves no room for a fraction: what comes back changed had one.
/// Unlike std::floor this compiles to plain vector instructions. False for NaN and infinity.
bool is_whole(float value) {
  constexpr float no_fraction = 8388608.0f;
  const float magnitude = std::fabs(value);
  const float rounded = (magnitude + no_fraction) - no_fraction;
  return (magnitude >= no_fraction || rounded == magnitude) &&
         magnitude <= std::numeric_limits<float>::max();
}

bool is_count(float value, bool allow_non_integer) {
  return value >= 0 && value <= kLargestCount && (allow_non_integer || is_whole(value));
}

struct Place {
  std::int64_t cell;
  std::int64_t entry;
};

std::optional<Place> first_bad_value(const CsrView& counts, bool allow_non_integer) {
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t entry = counts.indptr[cell]; entry < counts.indptr[cell + 1]; ++entry) {
      if (!is_count(counts.values[entry], allow_non_integer)) return Place{cell, entry};
    }
  }
  return std::nullopt;
}

/// The sum that `transform` of a cell's values has in every cell, or nothing where the sums differ.
/// Some hundred cells decide it; a relative spread of 1e-3 leaves room for values that were
/// rounded to four digits.
template <typename Transform>
std::optional<double> common_sum(const CsrView& counts, Transform transform) {
  constexpr std::int64_t n_sample = 200;
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  int n_cells = 0;
  for (std::int64_t cell = 0; cell < std::min(counts.n_cells, n_sample); ++cell) {
    double sum = 0;
    for (const float value : counts.row_values(cell)) sum += transform(double{value});
    if (!(sum > 0)) continue;
    low = std::min(low, sum);
    high = std::max(high, sum);
    ++n_cells;
  }
  if (n_cells < 2 || !(high - low <= 1e-3 * high)) return std::nullopt;
  return high;
}

/// What the matrix looks like, as the end of "the matrix looks ...".
std::string appearance(const CsrView& counts, const ValueSummary& summary) {
  if (!summary.finite) return "";
  if (summary.negative) return "scaled or centred (it has negative values)";
  if (summary.whole) return "";
  // log2 of a count of a million is 20: no logarithm of counts is larger.
  if (summary.max < 20) {
    if (const auto sum = common_sum(counts, [](double x) { return std::expm1(x); })) {
      return fmt::format("log-transformed (ln(1 + x), {:.6g} a cell before)", *sum);
    }
    if (const auto sum = common_sum(counts, [](double x) { return std::exp2(x) - 1; })) {
      return fmt::format("log-transformed (log2(1 + x), {:.6g} a cell before)", *sum);
    }
    return fmt::format("log-transformed (not whole, largest value {:.4g})", summary.max);
  }
  if (const auto sum = common_sum(counts, [](double x) { return x; })) {
    return fmt::format("normalised, such as CPM or TPM (every cell sums to {:.6g})", *sum);
  }
  return "normalised, such as FPKM, RPKM or size-factor scaled, or like estimated counts";
}

std::string fault_of(float value) {
  if (std::isnan(value)) return "is not a number (NaN)";
  if (std::isinf(value)) return "is infinite";
  if (value < 0) return "is negative";
  if (value > kLargestCount) {
    return "is above 2^24 (16777216), the largest count that is held exactly";
  }
  return "is not a whole number";
}

std::string general_advice(float value) {
  if (std::isfinite(value) && value >= 0 && value <= kLargestCount) {
    return "Give raw counts, or take the values as they are with --allow-non-integer";
  }
  return "Give raw counts";
}

}  // namespace

float to_float32(double number) {
  const auto rounded = static_cast<float>(number);
  return number > kLargestCount && rounded <= kLargestCount
             ? std::nextafter(kLargestCount, 2 * kLargestCount)
             : rounded;
}

ValueSummary summarise(std::span<const float> values) {
  ValueSummary summary;
  bool finite = true;
  bool whole = true;
  bool negative = false;
  float max = 0;
  for (const float value : values) {
    finite &= std::fabs(value) <= std::numeric_limits<float>::max();
    whole &= is_whole(value);
    negative |= value < 0;
    max = value > max ? value : max;
  }
  summary.finite = finite;
  summary.whole = whole;
  summary.negative = negative;
  summary.max = max;
  return summary;
}

ValueSummary summarise_matrix(const CsrView& counts, int n_threads) {
  ValueSummary summary;
  for_each_run_on(n_threads, counts.n_cells, [&](std::int64_t first, std::int64_t end) {
    const std::int64_t at = counts.indptr[first];
    const ValueSummary part = summarise(counts.values.subspan(at, counts.indptr[end] - at));
    counts.give_back(first, end);
#pragma omp critical(maskclass_summary)
    summary = combine(summary, part);
  });
  return summary;
}

ValueSummary combine(const ValueSummary& a, const ValueSummary& b) {
  return {a.finite && b.finite, a.whole && b.whole, a.negative || b.negative,
          std::max(a.max, b.max)};
}

std::string value_appearance(const CsrView& counts) {
  const ValueSummary summary = summarise_matrix(counts);
  const std::string looks = appearance(counts, summary);
  if (!looks.empty() || !summary.whole) return looks;
  const auto sum = common_sum(counts, [](double x) { return x; });
  return sum ? fmt::format("normalised and rounded (every cell sums to about {:.6g})", *sum) : "";
}

void check_counts(const Dataset& dataset, bool allow_non_integer, const std::string& advice) {
  const CsrView counts = dataset.counts.view();
  const ValueSummary summary = summarise_matrix(counts);
  if (summary.counts()) return;
  const auto bad = first_bad_value(counts, allow_non_integer);
  if (!bad) return;

  const float value = counts.values[bad->entry];
  std::string message = fmt::format(
      "{}{}{}: the value of cell '{}', gene '{}' is {}, which {}.", dataset.path,
      dataset.matrix.empty() ? "" : ": ", dataset.matrix, dataset.cell_names.at(bad->cell),
      dataset.gene_names.at(counts.indices[bad->entry]), value, fault_of(value));
  if (const std::string looks = appearance(counts, summary); !looks.empty()) {
    message += fmt::format(" The matrix looks {}.", looks);
  }
  throw data_error(message + " " + (advice.empty() ? general_advice(value) : advice));
}

}  // namespace maskclass::io
