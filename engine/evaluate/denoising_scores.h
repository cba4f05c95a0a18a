#pragma once

#include <cstdint>
#include <vector>

namespace maskclass {

/// Matching dense blocks of cells, each [n_cells][n_genes] row by row, in log2(1 + normalised
/// count).
struct TruthBlock {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  const float* observed = nullptr;  ///< x: what was measured; 0 where the count was 0.
  const float* truth = nullptr;     ///< x*: what would have been measured without dropout.
};

/// A mean of squared errors over some of the entries.
struct MeanSquaredError {
  double sum = 0;
  std::int64_t n_entries = 0;
  /// NaN where there are no entries.
  double mean() const;
};

/// The errors of Section 2.8 of the paper.
struct DenoisingErrors {
  MeanSquaredError all;      ///< MSE: every entry.
  MeanSquaredError dropout;  ///< Entries with x = 0 and x* > 0: lost counts.
  MeanSquaredError biozero;  ///< Entries with x* = 0: genes that the cell truly does not express.

  /// Adds the squared differences between `values` ([n_cells][n_genes], denoised or not) and the
  /// truth. Sums in float64, gene by gene within a cell and then cell by cell, so that neither
  /// blocks nor threads change a bit.
  void add(const float* values, const TruthBlock& block, int n_threads);
};

/// How well p_bio tells the biological zeros among the observed ones.
struct BiozeroScores {
  double auc = 0;               ///< Chance that a true zero has a higher p than a dropped value.
  double auc_error = 0;         ///< |auc - exact| is at most this: half the share of pairs
                                ///< that fall into one bin with different values.
  double brier = 0;             ///< Mean of (p - [x* = 0])^2.
  double mean_probability = 0;  ///< Mean of p; calibrated if it is ...
  double true_fraction = 0;     ///< ... the share of observed zeros with x* = 0.
  std::int64_t n_zeros = 0;     ///< Observed zeros.
};

/// Collects p_bio over the observed zeros (x = 0). The area under the ROC curve comes from counts
/// in about a million bins that hold floats of one sign, exponent and leading 13 bits of the
/// fraction: equal values are ties, as they must be; different values are only where they differ by
/// less than 1.3e-4 of themselves, and what that may cost is reported.
class BiozeroScorer {
 public:
  BiozeroScorer();
  /// `probability` is [n_cells][n_genes]; entries with x > 0 are not looked at. Throws Error{data}
  /// where one is not in [0, 1].
  void add(const float* probability, const TruthBlock& block);
  /// AUC is NaN where all observed zeros are of one kind; everything is where there are none.
  BiozeroScores scores() const;

 private:
  std::vector<std::int64_t> true_zeros_;  ///< [bins]: entries with x* = 0.
  std::vector<std::int64_t> dropped_;     ///< [bins]: entries with x* > 0.
  std::vector<float> value_;  ///< [bins]: the one value in the bin; NaN where there are several.
  double sum_ = 0;            ///< Of p.
  double squares_ = 0;        ///< Of (p - [x* = 0])^2.
};

}  // namespace maskclass
