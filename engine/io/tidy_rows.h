#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/matrix/csr.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Throws Error{data} that names the cell where `gene` is not in [0, n_genes).
void check_gene(std::int32_t gene, std::int64_t n_genes, const std::string& where,
                const std::string& cell_name);

/// Sorts one row by gene; its values go with the genes.
void sort_row(std::span<std::int32_t> genes, std::span<float> values);

/// The line that says so where genes of rows were out of order and have been sorted. `rows` is what
/// the rows are: "cell", "gene".
void log_sorted(const std::string& where, std::int64_t n_rows, const std::string& row,
                const Callbacks& callbacks);

/// Turns compressed rows as found in a file (genes of a cell in any order, zeros stored) into those
/// that CsrMatrix promises, in place. `where` names the matrix for messages. Returns how many rows
/// were out of order. Throws Error{data} that names the first cell with a gene out of range or
/// twice.
std::int64_t tidy_rows(CsrMatrix& matrix, const std::string& where,
                       const std::vector<std::string>& cell_names,
                       const std::vector<std::string>& gene_names, int n_threads);

/// Appends one cell, [n_genes] values, to a matrix of compressed rows.
void append_dense_row(std::span<const float> row, CsrMatrix& matrix);

}  // namespace maskclass::io
