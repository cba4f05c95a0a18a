#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/io/count_checks.h"

namespace maskclass::io {

/// Numbers as they stand in text files, read without locale or stream. The functions read from `at`
/// and need no bound: the text ends in '\n', which no number holds. Each returns the place behind
/// the number, or null where none is.

/// A whole number without a sign, of at most 18 digits.
inline const char* parse_whole(const char* at, std::int64_t& value) {
  constexpr std::ptrdiff_t most_digits = 18;
  const char* const start = at;
  std::int64_t sum = 0;
  for (; *at >= '0' && *at <= '9' && at - start < most_digits; ++at) sum = 10 * sum + (*at - '0');
  value = sum;
  const bool more = *at >= '0' && *at <= '9';
  return at == start || more ? nullptr : at;
}

/// Any number, such as "-1.5e3", "nan" or "inf", rounded to the nearest float; what is too large
/// becomes infinite, what is too small becomes 0.
const char* parse_float(const char* at, float& value);

/// The same, quick for whole numbers. A whole number above 2^24 never rounds down to it, so that a
/// check of the values finds it.
inline const char* parse_value(const char* at, float& value) {
  std::int64_t whole = 0;
  const char* end = parse_whole(at, whole);
  const bool plain = end != nullptr && *end != '.' && *end != 'e' && *end != 'E';
  if (!plain) return parse_float(at, value);
  value = static_cast<float>(whole);
  if (whole > static_cast<std::int64_t>(kLargestCount) && value <= kLargestCount) {
    value = kLargestCount + 2;
  }
  return end;
}

inline const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\t') ++at;
  return at;
}

}  // namespace maskclass::io
