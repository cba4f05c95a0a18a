#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/matrix/csr.h"
#include "engine/progress.h"
#include "engine/simulate/generator.h"
#include "engine/simulate/zero_posterior.h"

namespace maskclass::simulate {

/// The factor that turns the true counts of a cell into normalised ones: the median of the true
/// libraries over the cell's own, libraries being sums over `genes` (ascending): [n_cells]. A cell
/// without true counts has 0.
std::vector<double> truth_scales(const CsrView& true_counts, std::span<const std::int32_t> genes,
                                 int n_threads);

/// The posterior of x* = log2(1 + t* scale_i), t* the true count of cell i, at a zero count, under
/// the generator: the best that any method can know. It is smooth in the cell's library and scale,
/// so it is tabulated at Chebyshev nodes of both for each gene, group and batch, and interpolated
/// (logarithms of P(t* = 0, c = 0), P(t* > 0, c = 0) and the moments of x* joint with c = 0).
class TruthPosterior {
 public:
  /// `truth_scale` [n_cells] as truth_scales() gives it; `genes`: those asked for later, indices
  /// of the generator's genes. Takes about 1 KB a gene, group and batch.
  TruthPosterior(const Generator& generator, std::span<const double> truth_scale,
                 std::vector<std::int32_t> genes, int n_threads, const Callbacks& callbacks = {});

  std::int64_t n_cells() const { return std::ssize(population_); }
  std::int64_t n_genes() const { return std::ssize(genes_); }

  /// Dense rows of cells [first_cell, first_cell + n_cells): out[cell][position in genes].
  void block(std::int64_t first_cell, std::int64_t n_cells, PosteriorMoments* out,
             int n_threads) const;

  /// The same without interpolation, for tests: `position` is that in genes.
  PosteriorMoments exact(const Generator& generator, std::int64_t cell, std::int64_t position,
                         double truth_scale) const;

 private:
  /// Chebyshev nodes on [low, high], and the weights of the polynomial through them.
  class Axis {
   public:
    Axis() = default;
    Axis(double low, double high, int n_nodes);
    std::int64_t size() const { return std::ssize(nodes_); }
    double node(std::int64_t k) const { return nodes_[k]; }
    void weights(double x, double* out) const;

   private:
    std::vector<double> nodes_;
    std::vector<double> barycentric_;
  };

  void tabulate(const Generator& generator, int n_threads, const Callbacks& callbacks);
  void tabulate_gene(const Generator& generator, int population, double share, double truth_share,
                     std::int64_t gene, double* table) const;
  PosteriorMoments interpolate(const double* table, const double* library_weights,
                               const double* scale_weights) const;
  std::int64_t table_size() const { return 2 * library_axis_.size() * (1 + scale_axis_.size()); }
  const double* table(int population, std::int64_t position) const {
    return tables_.data() + (table_start_[population] + position) * table_size();
  }

  std::vector<std::int32_t> genes_;
  std::vector<std::int32_t> population_;  ///< [n_cells]: group * n_batches + batch
  std::vector<double> log_library_;       ///< [n_cells]
  std::vector<double> log_scaled_;        ///< [n_cells]: ln(scale * library); -inf: x* is 0
  Axis library_axis_;
  Axis scale_axis_;
  std::vector<std::int64_t> table_start_;  ///< by population, in tables
  std::vector<double> tables_;
};

}  // namespace maskclass::simulate
