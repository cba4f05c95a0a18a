#include "engine/preprocess/filter.h"

#include <doctest/doctest.h>

#include "engine/counted.h"
#include "engine/error.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::Error;
using maskclass::ErrorKind;
using maskclass::filter_genes_and_cells;
using maskclass::Kept;
using maskclass::test::from_dense;

namespace {

using Genes = std::vector<std::int32_t>;
using Cells = std::vector<std::int64_t>;

/// Genes are found in 4, 0, 3, 1 and 2 cells; cell 4 has gene 3 alone.
maskclass::CsrMatrix example() {
  return from_dense(
      {{1, 0, 2, 0, 0}, {5, 0, 1, 0, 3}, {1, 0, 0, 0, 1}, {2, 0, 9, 0, 0}, {0, 0, 0, 7, 0}}, 5);
}

template <typename Function>
Error error_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error");
  return maskclass::data_error("");
}

bool mentions(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("genes are kept that enough cells have") {
  const maskclass::CsrMatrix counts = example();
  CHECK(filter_genes_and_cells(counts.view(), 1, false, {}, 1).genes == Genes{0, 2, 3, 4});
  CHECK(filter_genes_and_cells(counts.view(), 0, false, {}, 1).genes == Genes{0, 1, 2, 3, 4});
  for (const int n_threads : {1, 2, 3, 8}) {
    CHECK(filter_genes_and_cells(counts.view(), 2, true, {}, n_threads).genes == Genes{0, 2, 4});
    CHECK(filter_genes_and_cells(counts.view(), 3, true, {}, n_threads).genes == Genes{0, 2});
    CHECK(filter_genes_and_cells(counts.view(), 4, true, {}, n_threads).genes == Genes{0});
  }
}

TEST_CASE("a cell without counts over the kept genes is dropped where asked, with a word") {
  const maskclass::CsrMatrix counts = example();
  std::vector<std::string> lines;
  const maskclass::Callbacks callbacks{{}, [&](const std::string& line) { lines.push_back(line); }};
  const Kept kept = filter_genes_and_cells(counts.view(), 3, true, {}, 1, callbacks);
  CHECK(kept.cells == Cells{0, 1, 2, 3});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "kept 2 of 5 genes (in at least 3 cells)");
  CHECK(lines[1] == "dropped 1 of 5 cells without counts over the genes found in at least 3 cells");
}

TEST_CASE("a cell without counts is an error that names it and the option") {
  const maskclass::CsrMatrix counts = example();
  const Error by_number = error_of([&] { filter_genes_and_cells(counts.view(), 3, false, {}, 1); });
  CHECK(by_number.kind() == ErrorKind::data);
  CHECK(mentions(by_number, "cell 5 (counted from 1)"));
  CHECK(mentions(by_number, "--drop-empty-cells"));

  const std::vector<std::string> names{"AAA", "CCC", "GGG", "TTT", "ACG"};
  CHECK(mentions(error_of([&] { filter_genes_and_cells(counts.view(), 3, false, names, 1); }),
                 "'ACG'"));
  const maskclass::CsrMatrix two_empty = from_dense({{1}, {0}, {2}, {0}}, 1);
  CHECK(mentions(error_of([&] { filter_genes_and_cells(two_empty.view(), 1, false, {}, 1); }),
                 "cell 2 (counted from 1) and 1 more have no counts"));
}

TEST_CASE("nothing left is an error that says what to do") {
  const maskclass::CsrMatrix counts = example();
  const Error no_gene = error_of([&] { filter_genes_and_cells(counts.view(), 5, true, {}, 1); });
  CHECK(no_gene.kind() == ErrorKind::data);
  CHECK(mentions(no_gene, "--min-cells"));

  const maskclass::CsrMatrix zeros = from_dense({{0, 0}, {0, 0}}, 2);
  CHECK(error_of([&] { filter_genes_and_cells(zeros.view(), 0, true, {}, 1); }).kind() ==
        ErrorKind::data);
  const maskclass::CsrMatrix no_cells = from_dense({}, 3);
  CHECK(mentions(error_of([&] { filter_genes_and_cells(no_cells.view(), 0, true, {}, 1); }),
                 "no cells"));
  const maskclass::CsrMatrix no_genes = from_dense({{}, {}}, 0);
  CHECK(mentions(error_of([&] { filter_genes_and_cells(no_genes.view(), 0, true, {}, 1); }),
                 "no genes"));
}

TEST_CASE("options without sense are refused") {
  const maskclass::CsrMatrix counts = example();
  CHECK(error_of([&] { filter_genes_and_cells(counts.view(), -1, true, {}, 1); }).kind() ==
        ErrorKind::usage);
  const std::vector<std::string> too_few{"AAA"};
  CHECK(error_of([&] { filter_genes_and_cells(counts.view(), 1, true, too_few, 1); }).kind() ==
        ErrorKind::usage);
}

TEST_CASE("numbers in messages have their thousands apart") {
  CHECK(maskclass::with_thousands(0) == "0");
  CHECK(maskclass::with_thousands(999) == "999");
  CHECK(maskclass::with_thousands(13714) == "13,714");
  CHECK(maskclass::with_thousands(1234567) == "1,234,567");
  CHECK(maskclass::with_thousands(-123) == "-123");
  CHECK(maskclass::with_thousands(-1234) == "-1,234");
  CHECK(maskclass::counted(1, "cell") == "1 cell");
  CHECK(maskclass::counted(2000, "cell") == "2,000 cells");
}
