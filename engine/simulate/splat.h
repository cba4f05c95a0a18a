#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"
#include "engine/progress.h"
#include "engine/simulate/generator.h"

namespace maskclass::simulate {

/// A factor that is not 1 with probability `probability`: F ~ LogNormal(location, scale), made 1/F
/// with probability `down_probability`; where F < 1 the direction is turned round, so that a factor
/// is above 1 exactly where it is not "down". Splat's LNF.
struct FactorParameters {
  double probability = 0;
  double down_probability = 0.5;
  double location = 0.1;
  double scale = 0.4;
};

/// Every parameter of the simulation, with the defaults of Splat and of the paper, Section 2.2.
struct SplatParameters {
  std::int64_t n_cells = 5000;
  std::int64_t n_genes = 1100;
  std::vector<double> group_proportions{1};  ///< weights; a cell's group is drawn
  std::vector<double> batch_proportions{1};  ///< weights; batches are runs of cells of these sizes
  double library_location = 11;              ///< ln of the median expected library size
  double library_scale = 0.2;
  double mean_shape = 0.6;  ///< gamma distribution of gene means
  double mean_rate = 0.3;
  FactorParameters outlier{0.05, 0, 4, 0.5};
  FactorParameters batch_factor{1, 0.5, 0.1, 0.1};  ///< used with more than one batch
  FactorParameters group_factor{0.1, 0.5, 0.1, 0.4};
  double bcv_common = 0.1;
  double bcv_degrees_of_freedom = 60;  ///< infinity: no variation of dispersion between genes
  DropoutType dropout_type = DropoutType::none;
  /// One a group or batch, or one for all, or empty: drawn from the ranges below.
  std::vector<double> dropout_midpoint;
  std::vector<double> dropout_shape;
  double dropout_midpoint_low = 1, dropout_midpoint_high = 5;
  double dropout_shape_low = -1.5, dropout_shape_high = -0.5;
  /// Batch effects are in the counts but not in the truth (Splat's batch.rmEffect for the truth).
  /// Without effect where there is one batch.
  bool truth_without_batch_effects = true;
  BatchTruth batch_truth = BatchTruth::coupled;
};

/// The paper's scenarios: "equal", "unequal", "rare" (dropout by group) and "batch" (three batches,
/// dropout by batch). Throws Error{usage} for another name.
SplatParameters scenario(const std::string& name);

/// Counts with dropout (and batch effects), the true counts, and what they were drawn from.
struct Simulation {
  CsrMatrix counts;       ///< [n_cells][n_genes]
  CsrMatrix true_counts;  ///< [n_cells][n_genes]
  Generator generator;
};

/// Draws everything that belongs to cells and genes alone. Throws Error{usage} that names the
/// parameter that is out of range.
Generator draw_generator(const SplatParameters& parameters, std::uint64_t seed);

/// Draws counts and true counts. Every value is a function of (seed, cell, gene): the same bytes
/// for every number of threads. Throws Error{usage} where a count would exceed 2^24, and
/// Error{cancelled}.
Simulation draw_counts(Generator generator, std::uint64_t seed, int n_threads,
                       const Callbacks& callbacks = {});

/// Both in turn.
Simulation simulate(const SplatParameters& parameters, std::uint64_t seed, int n_threads,
                    const Callbacks& callbacks = {});

}  // namespace maskclass::simulate
