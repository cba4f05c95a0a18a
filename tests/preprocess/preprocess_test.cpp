#include "engine/preprocess/preprocess.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/normalise.h"
#include "tests/preprocess/small_matrix.h"

using maskclass::CsrMatrix;
using maskclass::Error;
using maskclass::ErrorKind;
using maskclass::preprocess;
using maskclass::Preprocessed;
using maskclass::PreprocessOptions;
using maskclass::test::from_dense;

namespace {

ErrorKind kind_of_error(const CsrMatrix& counts, const PreprocessOptions& options) {
  try {
    preprocess(counts.view(), options, {}, 1, {});
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::device;
}

using Genes = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("the parts fit together, by hand") {
  // Gene 1 is in one cell only; cell 3 has no counts.
  const CsrMatrix counts =
      from_dense({{4, 9, 0, 0}, {1, 0, 0, 1}, {0, 0, 3, 5}, {0, 0, 0, 0}, {6, 0, 2, 0}}, 4);
  PreprocessOptions options;
  options.min_cells = 2;
  options.n_top_genes = 0;
  CHECK(kind_of_error(counts, options) == ErrorKind::data);
  options.drop_empty_cells = true;
  const Preprocessed result = preprocess(counts.view(), options, {}, 2, {});
  CHECK(result.cells == std::vector<std::int64_t>{0, 1, 2, 4});
  CHECK(result.genes == Genes{0, 2, 3});
  CHECK(result.passed_genes == result.genes);
  CHECK(result.library_sizes == std::vector<double>{4, 2, 8, 8});
  CHECK(result.median_library_size == 6);
  CHECK(result.size_factors == std::vector<double>{1.5, 3, 0.75, 0.75});
  CHECK(result.counts.indices == Genes{0, 0, 2, 1, 2, 0, 1});
  CHECK(result.counts.values == std::vector<float>{4, 1, 1, 3, 5, 6, 2});
  CHECK_FALSE(result.variances.has_value());
  REQUIRE(result.scaling.size() == 3);
  REQUIRE(result.scaled.size() == 7);
  CHECK(result.scaled[0] == maskclass::scale(maskclass::log_normalised(4, 1.5), result.scaling[0]));
}

TEST_CASE("library sizes are over the genes that pass the filter, not the selected ones") {
  const CsrMatrix counts = maskclass::test::random_counts(100, 300, 31);
  PreprocessOptions options;
  options.n_top_genes = 20;
  const Preprocessed few = preprocess(counts.view(), options, {}, 1, {});
  options.n_top_genes = 0;
  const Preprocessed all = preprocess(counts.view(), options, {}, 1, {});
  CHECK(few.genes.size() == 20);
  CHECK(std::is_sorted(few.genes.begin(), few.genes.end()));
  CHECK(few.counts.n_genes == 20);
  CHECK(few.library_sizes == all.library_sizes);
  CHECK(few.passed_genes == all.passed_genes);
  REQUIRE(few.variances.has_value());
  REQUIRE(few.variances->genes.size() == few.passed_genes.size());
  for (const std::int32_t position : few.variances->top) {
    CHECK(std::binary_search(few.genes.begin(), few.genes.end(), few.passed_genes[position]));
  }
}

TEST_CASE("chosen genes override the selection, in any order") {
  const CsrMatrix counts =
      from_dense({{1, 0, 3, 0}, {2, 0, 0, 1}, {3, 1, 1, 0}, {4, 0, 2, 0}, {5, 0, 0, 0}}, 4);
  PreprocessOptions options;
  options.genes = {2, 1, 2};
  std::vector<std::string> lines;
  const Preprocessed result = preprocess(
      counts.view(), options, {}, 1, {{}, [&](const std::string& line) { lines.push_back(line); }});
  CHECK(result.genes == Genes{2});
  CHECK(result.passed_genes == Genes{0, 2});
  CHECK(std::find(lines.begin(), lines.end(),
                  "left out 1 of 2 chosen genes: found in too few cells") != lines.end());
  // Cells 1 and 4 have no counts over the chosen gene and stay.
  CHECK(result.cells.size() == 5);
  CHECK(result.library_sizes == std::vector<double>{4, 2, 4, 6, 5});
  CHECK(result.counts.indptr == std::vector<std::int64_t>{0, 1, 1, 2, 3, 3});

  options.genes = {1, 3};
  CHECK(kind_of_error(counts, options) == ErrorKind::data);
  options.genes = {4};
  CHECK(kind_of_error(counts, options) == ErrorKind::usage);
  options.genes = {-1};
  CHECK(kind_of_error(counts, options) == ErrorKind::usage);
}

TEST_CASE("options without sense and data without variation are refused") {
  PreprocessOptions options;
  options.n_top_genes = -1;
  CHECK(kind_of_error(from_dense({{1}}, 1), options) == ErrorKind::usage);
  const CsrMatrix constant = from_dense({{1, 2}, {1, 2}, {1, 2}}, 2);
  CHECK(kind_of_error(constant, {}) == ErrorKind::data);
}

TEST_CASE("constant genes are counted and named in the log") {
  const CsrMatrix counts = from_dense({{1, 2}, {1, 2}, {1, 2}}, 2);
  PreprocessOptions options;
  options.n_top_genes = 0;
  std::string last;
  const Preprocessed result = preprocess(counts.view(), options, {}, 1,
                                         {{}, [&](const std::string& line) { last = line; }});
  CHECK(result.n_constant_genes == 2);
  CHECK(last == "2 genes are constant after winsorising and will be rebuilt as that constant");
  for (const float s : result.scaled) CHECK(s == -1);
}

TEST_CASE("the result does not depend on the number of threads") {
  const CsrMatrix counts = maskclass::test::random_counts(90, 250, 33);
  PreprocessOptions options;
  options.n_top_genes = 60;
  const Preprocessed one = preprocess(counts.view(), options, {}, 1, {});
  for (const int n_threads : {2, 4, 7}) {
    const Preprocessed many = preprocess(counts.view(), options, {}, n_threads, {});
    CHECK(many.genes == one.genes);
    CHECK(many.counts.values == one.counts.values);
    CHECK(many.size_factors == one.size_factors);
    CHECK(many.scaled == one.scaled);
  }
}

TEST_CASE("the caller can stop it") {
  const CsrMatrix counts = maskclass::test::random_counts(30, 50, 34);
  int n_calls = 0;
  const maskclass::Callbacks callbacks{[&](const maskclass::Progress&) { return ++n_calls < 3; },
                                       {}};
  CHECK_THROWS_AS(preprocess(counts.view(), {}, {}, 1, callbacks), Error);
  CHECK(n_calls == 3);
}
