#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "kernels/math/biozero.h"
#include "kernels/math/gene_scaling.h"
#include "kernels/parameters.h"

namespace maskclass {

/// The scaled data set, cells x genes in compressed rows; not owned, alive as long as the backend.
/// Entries that are not stored are zeros, whose scaled value is kScaledZero.
struct ScaledData {
  std::int64_t n_cells = 0;
  std::int32_t n_genes = 0;
  std::span<const std::int64_t> indptr;     ///< [n_cells + 1]
  std::span<const std::int32_t> indices;    ///< [n_nonzeros], genes, ascending within a cell.
  std::span<const float> scaled;            ///< [n_nonzeros], in [-1, 1].
  std::span<const std::uint32_t> cell_ids;  ///< [n_cells]: index in the input, for random numbers.
  std::span<const GeneScaling> genes;       ///< [n_genes]
  // The biozero probability at zeros: kernels/math/biozero.h. Cells whose dropout differs (samples,
  // runs) each have a curve of their own.
  std::span<const float> biozero_coefficients;   ///< [n_curves][n_genes][kBiozeroTerms]
  std::span<const std::uint32_t> biozero_curve;  ///< [n_cells]: below n_curves; empty where one is.
  std::span<const float> biozero_position;       ///< [n_cells]
  std::span<const float> biozero_shrink;         ///< [n_cells]

  std::int64_t n_curves() const {
    const std::int64_t of_one = std::int64_t{n_genes} * kBiozeroTerms;
    return of_one > 0 ? std::ssize(biozero_coefficients) / of_one : 1;
  }
};

/// How the CPU backend goes through the two wide layers. Results are the same to rounding.
enum class Schedule {
  automatic,  ///< By a fixed rule on the data and the options: see kernels/cpu/training_state.cpp.
  dense,      ///< All entries.
  sparse,     ///< Non-zeros on the way in; on the way out masked entries where gamma = 0.
};

/// What a step of training does (paper, Sections 2.5 and 2.7), with the paper's values.
struct TrainingOptions {
  std::int32_t batch_size = 32;
  float mask_zero = 0.01f;      ///< A zero is masked with probability mask_zero * biozero.
  double mask_nonzero = 0.30;   ///< Probability of masking a non-zero.
  float noise = 0.2f;           ///< nu: masked zeros become up to noise * the gene's largest count.
  float zero_weight = 2.0f;     ///< w_bio
  float nonzero_weight = 1.0f;  ///< w_nz
  float biozero_weight = 1.0f;  ///< gamma: 1 = balanced, 0 = best.
  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  std::uint64_t seed = 0;
  Schedule schedule = Schedule::automatic;
};

/// The mean over an epoch's batches of the terms of the loss.
struct EpochLoss {
  double masked = 0;   ///< L_mask
  double biozero = 0;  ///< L_bio, before its weight; 0 where the weight is 0.
};

/// Called by the thread that called train_epoch, several times a second, with the number of
/// batches done; returns false to stop. Denormal numbers count as zero while it runs.
using BatchCallback = std::function<bool(std::int64_t batches_done)>;

/// A device that trains the network and applies it.
class Backend {
 public:
  virtual ~Backend() = default;

  /// Sets the weights and clears the optimizer. Throws std::invalid_argument where they are of
  /// another network.
  virtual void set_parameters(const Parameters& parameters) = 0;
  virtual Parameters parameters() const = 0;
  virtual OptimizerState optimizer_state() const = 0;

  /// One pass over the cells in the given order, in batches of which the last may be smaller.
  /// `order` holds rows of the data, at least one and each at most once; `epoch` counts from 0 and
  /// selects the random numbers. Returns where the callback said stop;
  /// the caller knows, since its callback did.
  virtual EpochLoss train_epoch(std::uint32_t epoch, std::span<const std::uint32_t> order,
                                const BatchCallback& callback) = 0;

  /// The network's output for cells [first_cell, first_cell + n_cells) without masks, brought back
  /// to log2 values (inverse scaling, not clamped): log2_out [n_cells][n_genes]; and the latent:
  /// latent_out [n_cells][latent]. Either may be null.
  virtual void reconstruct(std::int64_t first_cell, std::int64_t n_cells, float* log2_out,
                           float* latent_out) = 0;
};

}  // namespace maskclass
