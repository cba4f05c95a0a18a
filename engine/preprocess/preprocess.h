#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"
#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/highly_variable.h"
#include "engine/progress.h"
#include "kernels/math/gene_scaling.h"

namespace maskclass {

struct PreprocessOptions {
  int min_cells = 3;       ///< A gene is kept where at least this many cells have it.
  int n_top_genes = 1000;  ///< How many highly variable genes to select; 0 = all.
  std::vector<std::int32_t>
      genes;  ///< Columns of the input to use instead of selecting; any order,
              ///< those that fail `min_cells` are left out with a log line.
  /// [n_cells of the input] or empty: the batch of each cell, from 0; genes are then ranked within
  /// batches (rank_highly_variable_genes), and batches have dropout curves of their own
  /// (engine/biozero/dropout_groups.h).
  std::vector<std::int32_t> batch_of;
  std::vector<std::string> batch_names;  ///< [n_batches] or empty; for messages.
  Winsorising quantiles;
  bool drop_empty_cells = false;  ///< Leave out cells without counts; else they are an error.
};

/// What the network, the biozero model and the output need (paper, Sections 2.1 and 2.4).
struct Preprocessed {
  std::vector<std::int64_t> cells;  ///< [N]: rows of the input that are kept, ascending.
  std::vector<std::int32_t> genes;  ///< [G]: columns of the input that are kept, ascending.
  std::vector<std::int32_t>
      passed_genes;                    ///< Columns that passed `min_cells`, ascending: the genes
                                       ///< that library sizes sum over; `genes` is among them.
  CsrMatrix counts;                    ///< N x G raw counts.
  std::vector<double> library_sizes;   ///< [N]: L_i, sum of counts over `passed_genes`; > 0.
  double median_library_size = 0;      ///< median(L)
  std::vector<double> size_factors;    ///< [N]: median(L) / L_i
  std::optional<HvgResult> variances;  ///< Row k is about passed_genes[k]; none where no
                                       ///< selection was made.
  std::vector<GeneScaling> scaling;    ///< [G]
  std::vector<float> scaled;           ///< s of each stored non-zero of `counts`, in its order.
  std::int64_t n_constant_genes = 0;   ///< Genes of `scaling` constant after winsorising.
};

/// Filters genes and cells, selects highly variable genes, normalises and scales; the last on
/// another device where `scaler` takes it.
///
/// `cell_names` ([n_cells of counts] or empty) serve messages only. A kept cell may have no counts
/// over the selected genes. The result does not depend on `n_threads`. Beside the input it holds
/// 12 bytes a kept non-zero, and makes no other copy of the counts.
///
/// Throws Error{usage} for options that make no sense (negative numbers, columns that the input
/// lacks, batches of another number of cells), Error{data} where no cell or gene is left or, unless
/// dropped, for a cell without counts, Error{cancelled} where the caller asks to stop.
Preprocessed preprocess(const CsrView& counts, const PreprocessOptions& options,
                        std::span<const std::string> cell_names, int n_threads,
                        const Callbacks& callbacks, const GeneScaler& scaler = {});

}  // namespace maskclass
