#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/reader.h"

namespace maskclass::io {

/// Smallest, middle and largest of some numbers.
struct Range {
  double low = 0;
  double median = 0;
  double high = 0;
};

/// A matrix of a file that has several, and what its first values look like.
struct MatrixChoice {
  std::string name;  ///< "layers/counts"
  std::string flag;  ///< "--layer counts"; "no --layer"
  std::string kind;  ///< "counts", "not whole numbers", ...
};

/// What is in a file of counts.
struct Inspection {
  std::string path;
  std::string format;                 ///< "AnnData (.h5ad)", ...
  std::string matrix;                 ///< Which matrix was looked at; "" where there is one only.
  std::vector<MatrixChoice> choices;  ///< All matrices of an .h5ad.

  std::int64_t n_cells = 0;
  std::int64_t n_genes = 0;
  std::int64_t n_nonzeros = 0;
  double lowest = 0;  ///< Of the values that are not 0.
  double highest = 0;
  double share_of_ones = 0;  ///< Of the values that are not 0.
  bool whole = true;         ///< Whole numbers only.
  bool finite = true;
  std::string transformation;  ///< "log-transformed (...)", ...; "" for counts.

  Range library_sizes;   ///< Sum of values of a cell.
  Range genes_per_cell;  ///< Genes with a value, of a cell.
  std::int64_t n_empty_cells = 0;
  std::int64_t n_genes_seen = 0;      ///< In at least one cell.
  std::int64_t n_genes_in_three = 0;  ///< In at least three cells: the default of --min-cells.
  std::int64_t n_repeated_genes = 0;  ///< Names that stand there before.
  std::int64_t n_repeated_cells = 0;
  std::string first_cell, first_gene, first_symbol;

  std::string species;               ///< "human", "mouse" or "" where the names do not tell.
  std::int64_t n_mitochondrial = 0;  ///< Genes.
  double mitochondrial_share = 0;    ///< Median over cells of their share of the values.
  std::int64_t n_spike_ins = 0;
  std::string technology;  ///< A guess in words.

  std::vector<std::string> notes;  ///< What readers logged.
  /// What is likely wrong, and what to do; the first that keep `denoise` from working.
  std::vector<std::string> problems;
  bool can_be_denoised = true;
};

/// Reads a file of counts whatever its values are, and describes it. Throws what read_counts
/// throws, but for values that are no counts and cells without any.
Inspection inspect(const std::filesystem::path& path, ReadOptions options,
                   const Callbacks& callbacks = {});

}  // namespace maskclass::io
