#include "engine/io/text/parse_number.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace maskclass::io {
namespace {

/// Characters that a number can be made of, "infinity" and "nan" included.
bool in_number(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
         c == '-' || c == '.';
}

}  // namespace

const char* parse_float(const char* at, float& value) {
  if (*at == '+' && at[1] != '-') ++at;  // std::from_chars takes no plus.
  const char* token_end = at;
  while (in_number(*token_end)) ++token_end;
  const auto [end, error] = std::from_chars(at, token_end, value);
  if (error == std::errc::invalid_argument || end != token_end) return nullptr;
  if (error == std::errc::result_out_of_range) {
    double wide = 0;
    const auto wide_error = std::from_chars(at, token_end, wide).ec;
    // Out of the range of double too: the exponent's sign tells which way.
    const bool tiny =
        wide_error == std::errc()
            ? std::fabs(wide) < 1
            : std::string_view(at, token_end).find("e-") != std::string_view::npos ||
                  std::string_view(at, token_end).find("E-") != std::string_view::npos;
    value = tiny ? 0 : std::numeric_limits<float>::infinity();
    if (*at == '-') value = -value;
  }
  return end;
}

}  // namespace maskclass::io
