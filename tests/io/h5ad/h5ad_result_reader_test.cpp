#include "engine/io/h5ad/h5ad_result_reader.h"

#include <doctest/doctest.h>

#include <algorithm>

#include <cmath>

#include "tests/io/h5ad/h5ad_fixtures.h"

using namespace maskclass;
using namespace maskclass::io;
using namespace maskclass::io::test;

TEST_CASE("blocks of every storage hold the same dense rows") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const auto& [file_name, matrix] :
       std::vector<std::pair<std::string, std::string>>{{"csr_float32", "X"},
                                                        {"csc_int32_gzip", "X"},
                                                        {"dense_float64_gzip", "X"},
                                                        {"csr_unsorted", "X"},
                                                        {"layer_counts", "layers/counts"},
                                                        {"raw", "raw/X"}}) {
    const std::string& file = file_name;
    CAPTURE(file);
    const auto reader = open_h5ad_result(*folder / (file + ".h5ad"), matrix);
    REQUIRE(reader->cell_names() == expected_cell_names());
    REQUIRE(reader->gene_names() == expected_gene_names());
    for (const std::int64_t block : {std::int64_t{1}, std::int64_t{7}, kCells}) {
      for (std::int64_t first = 0; first < kCells; first += block) {
        const std::int64_t n = std::min(block, kCells - first);
        std::vector<float> rows(n * kGenes, NAN);
        reader->read(first, n, rows.data());
        for (std::int64_t row = 0; row < n; ++row) {
          for (std::int64_t gene = 0; gene < kGenes; ++gene) {
            REQUIRE(rows[row * kGenes + gene] == expected_count(first + row, gene));
          }
        }
      }
    }
    CHECK_THROWS_AS(reader->read(kCells - 1, 2, nullptr), Error);
  }
}

TEST_CASE("a matrix that is not there is refused with those that are") {
  const auto folder = fixtures();
  if (!folder) return;
  const std::string message =
      message_of([&] { open_h5ad_result(*folder / "layer_counts.h5ad", "layers/maskclass"); });
  CHECK(message.find("layers/counts") != std::string::npos);
}

TEST_CASE("columns of every kind are read as text and as numbers") {
  const auto folder = fixtures();
  if (!folder) return;
  for (const char* name : {"columns.h5ad", "old.h5ad"}) {
    CAPTURE(name);
    const auto text = [&](const char* column) {
      return read_h5ad_column(*folder / name, "obs", column);
    };
    const auto numbers = [&](const char* column) {
      return read_h5ad_numbers(*folder / name, "obs", column);
    };
    CHECK(text("text").at(6) == "text 2");
    CHECK(text("categories").at(3) == "type 4");
    CHECK(text("ordered").at(8) == "high");
    CHECK(text("ordered").at(7).empty());
    CHECK(text("whole").at(5) == "15");
    CHECK(text("number").at(1) == "0.3333333333333333");
    CHECK(text("single").at(1) == "0.14285715");
    CHECK(text("flag").at(3) == "True");
    CHECK(text("flag").at(4) == "False");
    CHECK(text("nullable_whole").at(5).empty());
    CHECK(text("nullable_whole").at(6) == "6");
    CHECK(text("nullable_flag").at(2) == "True");
    CHECK(text("barcode").at(2) == expected_cell_name(2));
    CHECK(numbers("number").at(2) == 2.0 / 3);
    CHECK(numbers("flag").at(3) == 1);
    CHECK(numbers("nullable_whole").at(6) == 6);
    CHECK(std::isnan(numbers("nullable_whole").at(5)));
    CHECK(numbers("number_categories").at(5) == 20);
    CHECK_THROWS_AS(numbers("text"), Error);
    CHECK_THROWS_AS(numbers("categories"), Error);
    const std::string message = message_of([&] { text("missing"); });
    CHECK(message.find("number_categories") != std::string::npos);
  }
}
