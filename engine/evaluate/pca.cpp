#include "engine/evaluate/pca.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/evaluate/top_eigenpairs.h"
#include "engine/first_error.h"

namespace maskclass {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A matrix product is worked out in tiles of this width, one thread a tile, ...
constexpr Index kTile = 128;
/// ... whose sums run over slices of this depth: Eigen's own slices follow the processor's caches,
/// and are never smaller.
constexpr Index kDepth = 128;

/// to += left * right, in slices.
template <class To, class Left, class Right>
void add_product(To&& to, const Left& left, const Right& right) {
  for (Index first = 0; first < left.cols(); first += kDepth) {
    const Index n = std::min(kDepth, left.cols() - first);
    to.noalias() += left.middleCols(first, n) * right.middleRows(first, n);
  }
}

/// to += left * right, in tiles. Where `lower` is set only tiles that touch the lower triangle.
template <class To, class Left, class Right>
void add_product_in_tiles(To&& to, const Left& left, const Right& right, bool lower,
                          int n_threads) {
  const Index n_down = (to.rows() + kTile - 1) / kTile;
  const Index n_across = (to.cols() + kTile - 1) / kTile;
  FirstError error;
#pragma omp parallel for num_threads(n_threads) schedule(dynamic)
  for (Index tile = 0; tile < n_down * n_across; ++tile) {
    const Index row = tile / n_across * kTile;
    const Index column = tile % n_across * kTile;
    if (lower && column > row) continue;
    const Index n_rows = std::min<Index>(kTile, to.rows() - row);
    const Index n_columns = std::min<Index>(kTile, to.cols() - column);
    // Eigen may allocate for the product.
    error.guard([&] {
      add_product(to.block(row, column, n_rows, n_columns), left.middleRows(row, n_rows),
                  right.middleCols(column, n_columns));
    });
  }
  error.rethrow();
}

void mirror_lower_triangle(MatrixXd& matrix) {
  matrix.triangularView<Eigen::StrictlyUpper>() = matrix.transpose();
}

/// The sum of every gene, cells in order.
VectorXd gene_means(const CellBlocks& blocks, int n_threads) {
  VectorXd sums = VectorXd::Zero(blocks.n_genes);
  const Index n_slices = (blocks.n_genes + kTile - 1) / kTile;
  for_each_block(blocks, [&](std::int64_t, std::int64_t n_cells, const float* values) {
    const Eigen::Map<const FloatRows> block(values, n_cells, blocks.n_genes);
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (Index slice = 0; slice < n_slices; ++slice) {
      const Index first = slice * kTile;
      const Index n = std::min<Index>(kTile, blocks.n_genes - first);
      for (Index cell = 0; cell < n_cells; ++cell) {
        sums.segment(first, n) += block.row(cell).segment(first, n).transpose().cast<double>();
      }
    }
  });
  if (!sums.allFinite()) {
    throw data_error("principal components: some values are not finite (nan or inf)");
  }
  return sums / static_cast<double>(blocks.n_cells);
}

/// Values less the means of their genes, in float64.
Rows centred(const float* values, std::int64_t n_cells, const VectorXd& means, int n_threads) {
  const Eigen::Map<const FloatRows> block(values, n_cells, means.size());
  Rows result(n_cells, means.size());
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (Index cell = 0; cell < n_cells; ++cell) {
    result.row(cell) = block.row(cell).cast<double>() - means.transpose();
  }
  return result;
}

/// Sums over cells of products of two genes: [n_genes][n_genes].
MatrixXd gene_products(const CellBlocks& blocks, const VectorXd& means, int n_threads) {
  MatrixXd products = MatrixXd::Zero(blocks.n_genes, blocks.n_genes);
  for_each_block(blocks, [&](std::int64_t, std::int64_t n_cells, const float* values) {
    const Rows block = centred(values, n_cells, means, n_threads);
    add_product_in_tiles(products, block.transpose(), block, true, n_threads);
  });
  mirror_lower_triangle(products);
  return products;
}

/// The same, on another device where that takes it.
MatrixXd gene_products_on(const GeneProducts& elsewhere, const CellBlocks& blocks,
                          const VectorXd& means, int n_threads) {
  if (elsewhere) {
    const auto products = elsewhere(blocks, {means.data(), static_cast<std::size_t>(means.size())});
    if (products) return Eigen::Map<const MatrixXd>(products->data(), means.size(), means.size());
  }
  return gene_products(blocks, means, n_threads);
}

/// Sums over genes of products of two cells: [n_cells][n_cells]. Two blocks are held at a time.
MatrixXd cell_products(const CellBlocks& blocks, const VectorXd& means, int n_threads) {
  MatrixXd products = MatrixXd::Zero(blocks.n_cells, blocks.n_cells);
  const std::int64_t block_size = cells_a_block(blocks.n_genes);
  std::vector<float> values(block_size * blocks.n_genes);
  for_each_block(blocks, [&](std::int64_t first, std::int64_t n_cells, const float* own_values) {
    const Rows own = centred(own_values, n_cells, means, n_threads);
    add_product_in_tiles(products.block(first, first, n_cells, n_cells), own, own.transpose(), true,
                         n_threads);
    for (std::int64_t earlier = 0; earlier < first; earlier += block_size) {
      blocks.read(earlier, block_size, values.data());
      const Rows other = centred(values.data(), block_size, means, n_threads);
      add_product_in_tiles(products.block(first, earlier, n_cells, block_size), own,
                           other.transpose(), false, n_threads);
    }
  });
  mirror_lower_triangle(products);
  return products;
}

/// Cells x components: the centred values times the loadings [n_genes][n_components].
Rows project(const CellBlocks& blocks, const VectorXd& means, const MatrixXd& loadings,
             int n_threads) {
  Rows scores = Rows::Zero(blocks.n_cells, loadings.cols());
  for_each_block(blocks, [&](std::int64_t first, std::int64_t n_cells, const float* values) {
    const Rows block = centred(values, n_cells, means, n_threads);
    add_product_in_tiles(scores.middleRows(first, n_cells), block, loadings, false, n_threads);
  });
  return scores;
}

/// An eigenvector has no sign of its own: the largest score becomes positive.
void fix_signs(Rows& scores) {
  for (Index component = 0; component < scores.cols(); ++component) {
    Index largest = 0;
    scores.col(component).cwiseAbs().maxCoeff(&largest);
    if (scores(largest, component) < 0) scores.col(component) *= -1;
  }
}

void check(const CellBlocks& blocks) {
  if (blocks.n_cells < 2 || blocks.n_genes < 1) {
    throw usage_error("principal components need at least 2 cells and 1 gene; there are " +
                      std::to_string(blocks.n_cells) + " cells and " +
                      std::to_string(blocks.n_genes) + " genes");
  }
  if (std::min(blocks.n_cells, blocks.n_genes) > kMaxPcaSize) {
    throw usage_error("principal components of " + std::to_string(blocks.n_cells) + " cells and " +
                      std::to_string(blocks.n_genes) +
                      " genes would take too much memory; select at most " +
                      std::to_string(kMaxPcaSize) + " genes");
  }
}

}  // namespace

std::int64_t component_count(std::int64_t n_cells, std::int64_t n_genes) {
  const std::int64_t wanted =
      std::max<std::int64_t>(2, std::min({std::int64_t{50}, n_cells, n_genes}));
  return std::min({wanted, n_cells - 1, n_genes});
}

PrincipalComponents principal_components(const CellBlocks& blocks, int n_threads,
                                         const GeneProducts& elsewhere) {
  check(blocks);
  const std::int64_t n_components = component_count(blocks.n_cells, blocks.n_genes);
  const VectorXd means = gene_means(blocks, n_threads);
  const bool fewer_cells = blocks.n_cells < blocks.n_genes;
  MatrixXd products = fewer_cells ? cell_products(blocks, means, n_threads)
                                  : gene_products_on(elsewhere, blocks, means, n_threads);
  const double trace = products.trace();
  const Eigenpairs pairs = top_eigenpairs(products, n_components, n_threads);
  products.resize(0, 0);
  // Rounding may leave an eigenvalue that is 0 slightly below it.
  const VectorXd eigenvalues = pairs.values.cwiseMax(0.0);
  Rows scores;
  if (fewer_cells) {
    scores = pairs.vectors * eigenvalues.cwiseSqrt().asDiagonal();
  } else {
    scores = project(blocks, means, pairs.vectors, n_threads);
  }
  fix_signs(scores);

  const double freedom = static_cast<double>(blocks.n_cells) - 1;
  PrincipalComponents result;
  result.n_cells = blocks.n_cells;
  result.n_components = n_components;
  result.scores.assign(scores.data(), scores.data() + scores.size());
  result.total_variance = trace / freedom;
  for (const double eigenvalue : eigenvalues) {
    result.explained_variance.push_back(eigenvalue / freedom);
  }
  return result;
}

}  // namespace maskclass
