#include "engine/evaluate/denoising_scores.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"

namespace maskclass {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kEmpty = -1;
constexpr int kDroppedBits = 10;
constexpr std::size_t kBins = (std::bit_cast<std::uint32_t>(1.0f) >> kDroppedBits) + 1;

/// The bits of non-negative floats ascend as the floats do. -0 is 0.
std::size_t bin_of(float probability) {
  return probability > 0 ? std::bit_cast<std::uint32_t>(probability) >> kDroppedBits : 0;
}

void add_error(MeanSquaredError& to, double error) {
  to.sum += error * error;
  ++to.n_entries;
}

void add_all(MeanSquaredError& to, const MeanSquaredError& from) {
  to.sum += from.sum;
  to.n_entries += from.n_entries;
}

DenoisingErrors errors_of_cell(const float* values, const float* observed, const float* truth,
                               std::int64_t n_genes) {
  DenoisingErrors cell;
  for (std::int64_t gene = 0; gene < n_genes; ++gene) {
    const double error = static_cast<double>(values[gene]) - truth[gene];
    add_error(cell.all, error);
    if (truth[gene] == 0) {
      add_error(cell.biozero, error);
    } else if (observed[gene] == 0) {
      add_error(cell.dropout, error);
    }
  }
  return cell;
}

}  // namespace

double MeanSquaredError::mean() const {
  return n_entries > 0 ? sum / static_cast<double>(n_entries) : kNaN;
}

void DenoisingErrors::add(const float* values, const TruthBlock& block, int n_threads) {
  std::vector<DenoisingErrors> cells(block.n_cells);
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t cell = 0; cell < block.n_cells; ++cell) {
    const std::int64_t at = cell * block.n_genes;
    cells[cell] = errors_of_cell(values + at, block.observed + at, block.truth + at, block.n_genes);
  }
  for (const DenoisingErrors& cell : cells) {
    add_all(all, cell.all);
    add_all(dropout, cell.dropout);
    add_all(biozero, cell.biozero);
  }
}

BiozeroScorer::BiozeroScorer() : true_zeros_(kBins, 0), dropped_(kBins, 0), value_(kBins, kEmpty) {}

void BiozeroScorer::add(const float* probability, const TruthBlock& block) {
  for (std::int64_t cell = 0; cell < block.n_cells; ++cell) {
    double sum = 0;
    double squares = 0;
    for (std::int64_t gene = 0; gene < block.n_genes; ++gene) {
      const std::int64_t at = cell * block.n_genes + gene;
      if (block.observed[at] != 0) continue;
      const float p = probability[at];
      if (!(p >= 0 && p <= 1)) {
        throw data_error("a biozero probability is " + std::to_string(p) +
                         "; it must be from 0 to 1");
      }
      const bool true_zero = block.truth[at] == 0;
      const double error = static_cast<double>(p) - (true_zero ? 1 : 0);
      sum += p;
      squares += error * error;
      const std::size_t bin = bin_of(p);
      ++(true_zero ? true_zeros_ : dropped_)[bin];
      if (value_[bin] != p) value_[bin] = value_[bin] == kEmpty ? p : static_cast<float>(kNaN);
    }
    sum_ += sum;
    squares_ += squares;
  }
}

BiozeroScores BiozeroScorer::scores() const {
  double n_true = 0;
  double n_dropped = 0;
  double won = 0;        // pairs (true zero, dropped) in which the true zero has the higher p
  double tied = 0;       // pairs that share a bin
  double undecided = 0;  // those of them whose values may differ
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    const auto here_true = static_cast<double>(true_zeros_[bin]);
    const auto here_dropped = static_cast<double>(dropped_[bin]);
    won += here_true * n_dropped;
    tied += here_true * here_dropped;
    if (std::isnan(value_[bin])) undecided += here_true * here_dropped;
    n_true += here_true;
    n_dropped += here_dropped;
  }
  BiozeroScores scores;
  const double n_zeros = n_true + n_dropped;
  const double pairs = n_true * n_dropped;
  scores.n_zeros = static_cast<std::int64_t>(n_zeros);
  scores.auc = pairs > 0 ? (won + tied / 2) / pairs : kNaN;
  scores.auc_error = pairs > 0 ? undecided / 2 / pairs : kNaN;
  scores.brier = n_zeros > 0 ? squares_ / n_zeros : kNaN;
  scores.mean_probability = n_zeros > 0 ? sum_ / n_zeros : kNaN;
  scores.true_fraction = n_zeros > 0 ? n_true / n_zeros : kNaN;
  return scores;
}

}  // namespace maskclass
