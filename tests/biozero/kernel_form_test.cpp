#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/math/biozero.h"
#include "tests/biozero/sample.h"

using namespace maskclass;

TEST_CASE("the basis is T_k(t) = cos(k arccos t)") {
  float basis[kBiozeroTerms];
  // Exact in float32 where every T_k is a multiple of 1/2.
  chebyshev_basis(0.5f, basis);
  const float period[] = {1.0f, 0.5f, -0.5f, -1.0f, -0.5f, 0.5f};
  for (int k = 0; k < kBiozeroTerms; ++k) CHECK(basis[k] == period[k % 6]);
  chebyshev_basis(-1.0f, basis);
  for (int k = 0; k < kBiozeroTerms; ++k) CHECK(basis[k] == (k % 2 == 0 ? 1.0f : -1.0f));

  for (int i = 0; i <= 200; ++i) {
    const float t = static_cast<float>(-1 + 0.01 * i);
    chebyshev_basis(t, basis);
    for (int k = 0; k < kBiozeroTerms; ++k) {
      // Each step of the recurrence rounds by 2^-24 of at most 1, amplified by at most k.
      const double exact = std::cos(k * std::acos(static_cast<double>(t)));
      CHECK(std::abs(basis[k] - exact) <= 0.5 * k * k * 0x1p-24 + 1e-15);
    }
  }
}

TEST_CASE("the sum is the dot product, at any stride") {
  constexpr std::size_t kStride = 3;
  std::vector<float> basis(kBiozeroTerms * kStride);
  std::vector<float> coefficients(kBiozeroTerms);
  double expected = 0;
  for (int k = 0; k < kBiozeroTerms; ++k) {
    basis[k * kStride] = static_cast<float>(2 * testing::uniform(1, 0, k) - 1);
    coefficients[k] = static_cast<float>(testing::uniform(1, 1, k) / kBiozeroTerms);
    expected += static_cast<double>(basis[k * kStride]) * coefficients[k];
  }
  REQUIRE(expected > 0);
  REQUIRE(expected < 1);
  const float p = biozero_from_basis(basis.data(), kStride, coefficients.data(), 0.5f);
  CHECK(std::abs(p - 0.5 * expected) < kBiozeroTerms * 0x1p-24);
}

TEST_CASE("the sum is clamped to [0, 1] before the adjustment") {
  std::vector<float> basis(kBiozeroTerms, 1.0f);
  std::vector<float> coefficients(kBiozeroTerms, 0.0f);
  coefficients[0] = 1.25f;
  CHECK(biozero_from_basis(basis.data(), 1, coefficients.data(), 0.7f) == 0.7f);
  coefficients[0] = -0.25f;
  CHECK(biozero_from_basis(basis.data(), 1, coefficients.data(), 0.7f) == 0.0f);
}
