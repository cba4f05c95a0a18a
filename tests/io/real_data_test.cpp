#include <algorithm>
#include <cmath>

#include "engine/io/labels.h"
#include "engine/io/reader.h"
#include "tests/io/scratch.h"

using maskclass::ErrorKind;
using maskclass::io::Dataset;
using maskclass::io::read_counts;
using maskclass::io::read_labels;
using maskclass::test::check_error;

namespace {

/// The figures of each data set's SOURCE.md, found there by another program.
struct Known {
  const char* folder;
  std::int64_t n_cells;
  std::int64_t n_genes;
  std::int64_t n_detected;
  double zeros;  ///< Share, in per cent with one decimal.
  double smallest_total;
  double largest_total;
  const char* label;
  std::int64_t n_labelled;
};

const Known kKnown[] = {
    {"baron_hvg1000", 7162, 1000, 1000, 82.2, 210, 16998, "alpha", 2042},
    {"blakeley", 30, 23794, 16878, 71.9, 1.58192e6, 6.38512e7, "trophectoderm", 16},
    {"darmanis", 420, 22085, 21517, 81.4, 98129, 1.97085e6, "neurons", 131},
    {"mix_celseq2_3cl", 274, 28204, 28073, 74.7, 7469, 157352, "H1975", 112},
    {"pbmc3k_10x", 2638, 13714, 13713, 93.8, 556, 8875, "CD14_Mono", 480},
    {"zheng500_10x", 500, 32738, 11848, 98.2, 416, 3897, "bcell", 175},
};

void check_known(const Dataset& dataset, const Known& known) {
  const auto matrix = dataset.counts.view();
  CHECK(matrix.n_cells == known.n_cells);
  CHECK(matrix.n_genes == known.n_genes);
  std::vector<char> detected(matrix.n_genes);
  for (const std::int32_t gene : matrix.indices) detected[gene] = 1;
  CHECK(std::count(detected.begin(), detected.end(), 1) == known.n_detected);
  const double zeros = 100 - 100.0 * matrix.n_nonzeros() / (1.0 * matrix.n_cells * matrix.n_genes);
  CHECK(std::fabs(zeros - known.zeros) <= 0.0501);  // Stated with one decimal.
  std::vector<double> totals;
  for (std::int64_t cell = 0; cell < matrix.n_cells; ++cell) {
    double total = 0;
    for (const float value : matrix.row_values(cell)) total += value;
    totals.push_back(total);
  }
  // Stated with six digits.
  const auto [low, high] = std::minmax_element(totals.begin(), totals.end());
  CHECK(*low == doctest::Approx(known.smallest_total).epsilon(5e-6));
  CHECK(*high == doctest::Approx(known.largest_total).epsilon(5e-6));
}

}  // namespace

TEST_CASE("real data sets have the sizes that their sources state") {
  const auto data = maskclass::test::shared_data();
  if (!data) {
    MESSAGE("skipped: no shared/data beside the checkout");
    return;
  }
  for (const Known& known : kKnown) {
    INFO(known.folder);
    const Dataset dataset = read_counts(*data / known.folder, {});
    check_known(dataset, known);
    const auto labels = read_labels(*data / known.folder / "labels.tsv.gz", "", dataset.cell_names);
    CHECK(std::count(labels.begin(), labels.end(), std::string(known.label)) == known.n_labelled);
  }
}

TEST_CASE("FPKM are refused by name, and taken where they are allowed") {
  const auto data = maskclass::test::shared_data();
  if (!data) return;
  check_error(ErrorKind::data,
              {"li_gm12878_h1", "RHB1116__GM12878_B1__orange", "not a whole number", "FPKM",
               "--allow-non-integer"},
              [&] { read_counts(*data / "li_gm12878_h1", {}); });
  maskclass::io::ReadOptions options;
  options.allow_non_integer = true;
  CHECK(read_counts(*data / "li_gm12878_h1", options).counts.n_cells == 101);
}
