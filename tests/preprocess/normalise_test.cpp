#include "engine/preprocess/normalise.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::library_sizes_of;
using maskclass::log_normalised;
using maskclass::test::from_dense;

TEST_CASE("library sizes, their median and the size factors, by hand") {
  const maskclass::CsrMatrix odd = from_dense({{1, 2, 0}, {0, 4, 8}, {6, 0, 0}}, 3);
  const maskclass::LibrarySizes three = library_sizes_of(odd.view(), 2);
  CHECK(three.sizes == std::vector<double>{3, 12, 6});
  CHECK(three.median == 6);
  CHECK(three.size_factors == std::vector<double>{2, 0.5, 1});

  const maskclass::CsrMatrix even = from_dense({{4}, {1}, {8}, {2}}, 1);
  CHECK(library_sizes_of(even.view(), 1).median == 3);
}

TEST_CASE("sums of counts above 2^24 stay exact") {
  const maskclass::CsrMatrix counts = from_dense({{16777216, 1, 1}}, 3);
  CHECK(library_sizes_of(counts.view(), 1).sizes[0] == 16777218);
}

TEST_CASE("log2 values are rounded once, from float64") {
  CHECK(log_normalised(0, 3.7) == 0);
  CHECK(log_normalised(1, 1) == 1);
  CHECK(log_normalised(3, 2.5) == static_cast<float>(std::log2(8.5)));
  // 1 + 2^-30 is 1 in float32.
  CHECK(log_normalised(1, 0x1p-30) == doctest::Approx(0x1p-30 / std::log(2.0)).epsilon(1e-6));
}

TEST_CASE("a cell without counts is an error, not an infinite size factor") {
  const maskclass::CsrMatrix counts = from_dense({{1}, {0}}, 1);
  CHECK_THROWS_AS(library_sizes_of(counts.view(), 1), maskclass::Error);
  const maskclass::CsrMatrix none = from_dense({}, 1);
  CHECK_THROWS_AS(library_sizes_of(none.view(), 1), maskclass::Error);
}
