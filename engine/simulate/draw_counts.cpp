#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/simulate/distributions.h"
#include "engine/simulate/draws.h"
#include "engine/simulate/splat.h"

namespace maskclass::simulate {
namespace {

/// Cells that one task draws; bounds the scratch memory and keeps threads equally busy.
constexpr std::int64_t kBlockCells = 64;
/// Blocks between two reports of progress.
constexpr std::int64_t kBlocksPerReport = 16;
/// A float holds whole numbers exactly up to here.
constexpr double kLargestCount = 16777216;

/// Some rows of a sparse matrix.
struct Rows {
  std::vector<std::int64_t> lengths;
  std::vector<std::int32_t> genes;
  std::vector<float> values;

  void push_back(std::int64_t gene, double value) {
    genes.push_back(static_cast<std::int32_t>(gene));
    values.push_back(static_cast<float>(value));
  }
  void end_row() {
    std::int64_t before = 0;
    for (const std::int64_t length : lengths) before += length;
    lengths.push_back(std::ssize(genes) - before);
  }
};

struct Block {
  Rows counts;
  Rows true_counts;
};

/// What the cells of one group and batch have in common.
struct Population {
  std::vector<double> shares;        ///< [n_genes], with batch effects
  std::vector<double> truth_shares;  ///< [n_genes]; empty where the truth is what was observed
  DropoutCurve dropout;
};

std::vector<Population> populations_of(const Generator& generator) {
  std::vector<Population> populations;
  for (int group = 0; group < generator.n_groups(); ++group) {
    for (int batch = 0; batch < generator.n_batches(); ++batch) {
      Population population;
      population.shares = expected_shares(generator, group, batch, true);
      if (generator.truth_without_batch_effects) {
        population.truth_shares = expected_shares(generator, group, batch, false);
      }
      population.dropout = dropout_curve(generator, group, batch);
      populations.push_back(std::move(population));
    }
  }
  return populations;
}

/// The two words a gene that Philox gives to a pair of genes at once, for one kind of draw and one
/// cell; genes must be asked for in ascending order to be cheap.
class UniformStream {
 public:
  UniformStream(std::uint64_t seed, Draw draw, std::uint32_t cell)
      : seed_(seed), draw_(draw), cell_(cell) {}

  double operator()(std::int64_t gene) {
    if (gene >> 1 != pair_) {
      pair_ = gene >> 1;
      words_ = words_of(seed_, draw_, cell_, static_cast<std::uint64_t>(gene));
    }
    const std::size_t first = 2 * (gene & 1);
    return philox::to_open_unit_double(words_[first], words_[first + 1]);
  }

 private:
  std::uint64_t seed_;
  Draw draw_;
  std::uint32_t cell_;
  std::int64_t pair_ = -1;
  philox::Words words_{};
};

/// Draws one cell after another of a generator.
class CellSampler {
 public:
  CellSampler(const Generator& generator, std::uint64_t seed)
      : generator_(generator), seed_(seed), populations_(populations_of(generator)) {}

  void draw(std::int64_t cell, Block& block) const {
    const auto id = static_cast<std::uint32_t>(cell);
    UniformStream expression(seed_, Draw::expression, id);
    UniformStream count(seed_, Draw::count, id);
    UniformStream dropout(seed_, Draw::dropout, id);
    const bool independent = generator_.batch_truth == BatchTruth::independent;
    UniformStream truth_expression(seed_, independent ? Draw::truth_expression : Draw::expression,
                                   id);
    UniformStream truth_count(seed_, independent ? Draw::truth_count : Draw::count, id);

    const Population& population =
        populations_[generator_.group[cell] * generator_.n_batches() + generator_.batch[cell]];
    const double library = generator_.library[cell];
    for (std::int64_t gene = 0; gene < generator_.n_genes; ++gene) {
      const double m = draw_expression(gene, library * population.shares[gene], expression);
      const double t = draw_count(gene, m, count);
      if (t > 0 && dropout(gene) >= population.dropout.probability(m)) {
        block.counts.push_back(gene, t);
      }
      double truth = t;
      if (!population.truth_shares.empty()) {
        const double mean = library * population.truth_shares[gene];
        truth = draw_count(gene, draw_expression(gene, mean, truth_expression), truth_count);
      }
      if (truth > 0) block.true_counts.push_back(gene, truth);
    }
    block.counts.end_row();
    block.true_counts.end_row();
  }

 private:
  double draw_expression(std::int64_t gene, double mean, UniformStream& uniforms) const {
    const GammaParameters gamma = expression_distribution(generator_, gene, mean);
    if (!(gamma.shape > 0)) return 0;
    const double u = uniforms(gene);
    return gamma.scale * gamma_quantile(gamma.shape, {u, 1 - u});
  }

  static double draw_count(std::int64_t gene, double m, UniformStream& uniforms) {
    if (!(m > 0)) return 0;
    if (m > kLargestCount) too_large(gene);
    const double count = poisson_quantile(m, uniforms(gene));
    if (count > kLargestCount) too_large(gene);
    return count;
  }

  [[noreturn]] static void too_large(std::int64_t gene) {
    throw usage_error("simulation: a count of gene " + std::to_string(gene + 1) +
                      " exceeds 2^24, the largest that is handled: lower the library location");
  }

  const Generator& generator_;
  std::uint64_t seed_;
  std::vector<Population> populations_;
};

Block draw_block(const CellSampler& sampler, std::int64_t first_cell, std::int64_t end_cell) {
  Block block;
  for (std::int64_t cell = first_cell; cell < end_cell; ++cell) sampler.draw(cell, block);
  for (Rows* rows : {&block.counts, &block.true_counts}) {
    rows->genes.shrink_to_fit();
    rows->values.shrink_to_fit();
  }
  return block;
}

/// Joins the rows of all blocks, giving their memory back as it goes.
CsrMatrix join(std::vector<Block>& blocks, Rows Block::*part, const Generator& generator,
               int n_threads) {
  CsrMatrix matrix;
  matrix.n_cells = generator.n_cells;
  matrix.n_genes = generator.n_genes;
  matrix.indptr.reserve(generator.n_cells + 1);
  for (const Block& block : blocks) {
    for (const std::int64_t length : (block.*part).lengths) {
      matrix.indptr.push_back(matrix.indptr.back() + length);
    }
  }
  matrix.indices.resize(matrix.indptr.back());
  matrix.values.resize(matrix.indptr.back());
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::int64_t b = 0; b < std::ssize(blocks); ++b) {
    Rows& rows = blocks[b].*part;
    const std::int64_t offset = matrix.indptr[b * kBlockCells];
    std::copy(rows.genes.begin(), rows.genes.end(), matrix.indices.begin() + offset);
    std::copy(rows.values.begin(), rows.values.end(), matrix.values.begin() + offset);
    rows = Rows();
  }
  return matrix;
}

}  // namespace

Simulation draw_counts(Generator generator, std::uint64_t seed, int n_threads,
                       const Callbacks& callbacks) {
  check_generator(generator, "simulation");
  const CellSampler sampler(generator, seed);
  const std::int64_t n_blocks = (generator.n_cells + kBlockCells - 1) / kBlockCells;
  std::vector<Block> blocks(n_blocks);
  const std::int64_t step = kBlocksPerReport * std::max(1, n_threads);
  for (std::int64_t first = 0; first < n_blocks; first += step) {
    const std::int64_t end = std::min(n_blocks, first + step);
    std::exception_ptr failure;  // an exception must not leave a parallel region
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 1)
    for (std::int64_t b = first; b < end; ++b) {
      try {
        blocks[b] = draw_block(sampler, b * kBlockCells,
                               std::min(generator.n_cells, (b + 1) * kBlockCells));
      } catch (...) {
#pragma omp critical(maskclass_simulate_failure)
        failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    report_progress(callbacks, {"simulate", std::min(generator.n_cells, end * kBlockCells),
                                generator.n_cells, "cells", 0});
  }
  Simulation simulation;
  simulation.counts = join(blocks, &Block::counts, generator, n_threads);
  simulation.true_counts = join(blocks, &Block::true_counts, generator, n_threads);
  simulation.generator = std::move(generator);
  return simulation;
}

}  // namespace maskclass::simulate
