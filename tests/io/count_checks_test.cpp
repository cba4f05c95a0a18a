#include "engine/io/count_checks.h"

#include <cmath>
#include <limits>

#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::check_counts;
using maskclass::io::Dataset;
using maskclass::io::summarise;
using maskclass::test::check_error;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Cells of two genes, all values stored.
Dataset dataset_of(const std::vector<float>& values) {
  Dataset dataset;
  dataset.path = "input.csv";
  dataset.gene_names = {"ACTB", "GAPDH"};
  dataset.counts.n_genes = 2;
  for (std::size_t k = 0; k < values.size(); ++k) {
    dataset.counts.indices.push_back(static_cast<std::int32_t>(k % 2));
    dataset.counts.values.push_back(values[k]);
    if (k % 2 == 0) continue;
    dataset.counts.indptr.push_back(static_cast<std::int64_t>(k) + 1);
    dataset.cell_names.push_back("cell" + std::to_string(dataset.counts.n_cells++));
  }
  return dataset;
}

}  // namespace

TEST_CASE("summaries of values") {
  const std::vector<float> counts = {0, 1, 2, 8388607, 8388609, 16777216};
  CHECK(summarise(counts).counts());
  CHECK(summarise(counts).max == 16777216);
  CHECK(summarise({}).counts());
  for (const float fraction : {0.5f, 1e-30f, 4194303.5f, 8388607.5f, 1e-45f}) {
    CHECK(!summarise(std::vector<float>{1, fraction}).whole);
  }
  CHECK(summarise(std::vector<float>{1e30f}).whole);
  CHECK(!summarise(std::vector<float>{1e30f}).counts());
  CHECK(summarise(std::vector<float>{-3}).whole);
  CHECK(summarise(std::vector<float>{-3}).negative);
  CHECK(!summarise(std::vector<float>{1, kNan, 2}).finite);
  CHECK(!summarise(std::vector<float>{1, kNan, 2}).whole);
  CHECK(!summarise(std::vector<float>{kInfinity}).finite);
  CHECK(!summarise(std::vector<float>{kInfinity}).whole);
  CHECK(!summarise(std::vector<float>{-kInfinity}).finite);
}

TEST_CASE("the first value that is no count is named, with cell and gene") {
  CHECK_NOTHROW(check_counts(dataset_of({1, 2, 3, 4}), false));
  CHECK_NOTHROW(check_counts(dataset_of({1, 2.5, 3, 4}), true));
  const auto check = [](const std::vector<float>& values, bool allow) {
    return [=] { check_counts(dataset_of(values), allow); };
  };
  check_error(
      ErrorKind::data,
      {"input.csv", "'cell1'", "'GAPDH'", "is 2.5", "not a whole number", "--allow-non-integer"},
      check({1, 2, 3, 2.5, 4.5, 1}, false));
  check_error(ErrorKind::data, {"'cell0'", "'ACTB'", "NaN"}, check({kNan, 2}, true));
  check_error(ErrorKind::data, {"infinite"}, check({1, kInfinity}, true));
  check_error(ErrorKind::data, {"2^24"}, check({1, 16777218}, true));
  check_error(ErrorKind::data, {"negative", "scaled"}, check({1, -0.5}, true));
  CHECK(maskclass::test::message_of(ErrorKind::data, check({1, -0.5}, true)).find("--allow") ==
        std::string::npos);
}

TEST_CASE("what values look like") {
  const auto log = [](double x) { return static_cast<float>(std::log1p(x)); };
  const auto log2 = [](double x) { return static_cast<float>(std::log2(1 + x)); };
  const auto check = [](const std::vector<float>& values, const std::string& looks) {
    check_error(ErrorKind::data, {looks}, [&] { check_counts(dataset_of(values), false); });
  };
  check({log(4000), log(6000), log(2500), log(7500)}, "log-transformed (ln(1 + x), 10000 a cell");
  check({log2(4000), log2(6000), log2(2500), log2(7500)},
        "log-transformed (log2(1 + x), 10000 a cell");
  check({0.7f, 1.3f, 2.2f, 0.1f}, "log-transformed (not whole, largest value 2.2)");
  check({400000.5f, 599999.5f, 250000.25f, 749999.75f}, "CPM or TPM (every cell sums to 1e+06)");
  check({4.5f, 700.25f, 31.5f, 8.5f}, "FPKM");
}

TEST_CASE("a reader's own advice takes the place of the general one") {
  check_error(ErrorKind::data, {"use --layer counts"}, [] {
    check_counts(dataset_of({1, 2.5}), false, "use --layer counts");
  });
}
