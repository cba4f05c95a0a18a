#include "engine/io/tidy_rows.h"

#include <doctest/doctest.h>

#include "engine/error.h"

using namespace maskclass;
using namespace maskclass::io;

namespace {

const std::vector<std::string> kCellNames{"A", "B", "C"};
const std::vector<std::string> kGeneNames{"g0", "g1", "g2", "g3"};

CsrMatrix tidied(std::vector<std::int64_t> indptr, LargeArray<std::int32_t> indices,
                 LargeArray<float> values, int n_threads) {
  CsrMatrix matrix{3, 4, std::move(indptr), std::move(indices), std::move(values)};
  tidy_rows(matrix, "file", kCellNames, kGeneNames, n_threads);
  return matrix;
}

}  // namespace

TEST_CASE("rows are sorted and zeros dropped, empty rows kept") {
  for (const int n_threads : {1, 2, 4}) {
    const CsrMatrix matrix =
        tidied({0, 4, 4, 6}, {3, 0, 2, 1, 1, 0}, {30, 1, 0, 10, 0, 5}, n_threads);
    CHECK(matrix.indptr == std::vector<std::int64_t>{0, 3, 3, 4});
    CHECK(matrix.indices == std::vector<std::int32_t>{0, 1, 3, 0});
    CHECK(matrix.values == std::vector<float>{1, 10, 30, 5});
  }
}

TEST_CASE("the first bad cell is named whatever the number of threads") {
  for (const int n_threads : {1, 2, 4}) {
    CHECK_THROWS_WITH_AS(tidied({0, 1, 3, 5}, {0, 2, 2, 4, 1}, {1, 1, 1, 1, 1}, n_threads),
                         doctest::Contains("cell B has gene g2 twice"), Error);
    CHECK_THROWS_WITH_AS(tidied({0, 1, 3, 5}, {0, 2, 1, 4, 1}, {1, 1, 1, 1, 1}, n_threads),
                         doctest::Contains("cell C has a value for gene number 4"), Error);
  }
}
