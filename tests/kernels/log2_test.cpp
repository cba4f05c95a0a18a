#include "kernels/math/log2.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using maskclass::log2_from_one;

TEST_CASE("log2 in float64 is within four roundings of the exact logarithm") {
  std::mt19937_64 generator(1);
  const auto check = [](double x) {
    // The reference has 64 bits on x86-64; elsewhere it may be as coarse as the function.
    const auto exact = static_cast<double>(std::log2(static_cast<long double>(x)));
    REQUIRE(std::abs(log2_from_one(x) - exact) <= 5 * 0x1p-53 * exact);
  };
  for (int k = 0; k < 500000; ++k) {
    const double y = std::ldexp(static_cast<double>(generator()), -64);
    check(1 + y);
    check(1 + std::exp2(40 * y - 40));
    check(std::exp2(24 * y));
  }
  // Where the exponent changes, by single steps.
  for (const double centre : {std::sqrt(2.0), 2.0, 2 * std::sqrt(2.0), 4.0}) {
    double x = centre;
    for (int k = 0; k < 20; ++k) x = std::nextafter(x, 0.0);
    for (int k = 0; k < 40; ++k, x = std::nextafter(x, 10.0)) check(x);
  }
  check(1 + 0x1p-52);
  check(std::numeric_limits<double>::max());
}

TEST_CASE("log2 in float64 is exact at powers of two") {
  for (int k = 0; k < 1024; ++k) CHECK(log2_from_one(std::ldexp(1.0, k)) == k);
}
