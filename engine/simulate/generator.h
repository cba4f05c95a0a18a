#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace maskclass::simulate {

/// Who shares a dropout curve: nobody has one, the cells of a group, or those of a batch.
enum class DropoutType { none, group, batch };

/// How the true counts are drawn where the truth has no batch effects: from the uniform numbers of
/// the observed counts through their own quantile functions, or from numbers of their own.
enum class BatchTruth { coupled, independent };

/// A gamma distribution of expression: mean shape * scale. Shape 0 means that it is always 0.
struct GammaParameters {
  double shape = 0;
  double scale = 0;
};

/// The distribution that a simulated data set was drawn from, given all that was drawn for cells
/// and genes: what the Bayes floor takes as known (Splat, Zappia et al. 2017; paper, Section 2.2).
struct Generator {
  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::vector<std::int32_t> group;        ///< [n_cells], from 0
  std::vector<std::int32_t> batch;        ///< [n_cells], from 0
  std::vector<double> library;            ///< [n_cells]: expected counts of the cell, L_c
  std::vector<double> gene_mean;          ///< [n_genes]: lambda_g, outliers included
  std::vector<double> dispersion_factor;  ///< [n_genes]: sqrt(df / chi2_g); 1 for infinite df
  std::vector<std::vector<double>> group_factors;  ///< [n_groups][n_genes]: DE factors
  std::vector<std::vector<double>> batch_factors;  ///< [n_batches][n_genes]
  double bcv_common = 0;
  DropoutType dropout_type = DropoutType::none;
  std::vector<double> dropout_midpoint;  ///< by group or batch; empty without dropout
  std::vector<double> dropout_shape;     ///< by group or batch; empty without dropout
  bool truth_without_batch_effects = false;
  BatchTruth batch_truth = BatchTruth::coupled;

  int n_groups() const { return static_cast<int>(group_factors.size()); }
  int n_batches() const { return static_cast<int>(batch_factors.size()); }
};

/// Throws Error{data} where sizes do not fit together or a value is out of its range; `source` is
/// named in the message.
void check_generator(const Generator& generator, const std::string& source);

/// Each gene's share of a cell's library: lambda_g times the factors of its group (and batch),
/// over their sum [n_genes].
std::vector<double> expected_shares(const Generator& generator, int group, int batch,
                                    bool with_batch_effects);

/// The distribution of m_gc with mean mu_gc = `mean` (shape 1 / BCV^2, scale mean BCV^2,
/// BCV = (common + 1 / sqrt(mean)) times the gene's dispersion factor).
GammaParameters expression_distribution(const Generator& generator, std::int64_t gene, double mean);

/// A logistic curve in ln m.
struct DropoutCurve {
  double midpoint = 0;
  double shape = 0;
  bool present = false;

  /// 1 / (1 + exp(-shape (ln m - midpoint))); 0 without dropout. m >= 0.
  double probability(double m) const;
};

/// The curve of the cells of a group and batch.
DropoutCurve dropout_curve(const Generator& generator, int group, int batch);

/// The generator of some of its cells, in the order given; genes stay, since shares need them all.
Generator select_cells(const Generator& generator, std::span<const std::int64_t> cells);

}  // namespace maskclass::simulate
