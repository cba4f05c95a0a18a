#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/io/reader.h"

namespace maskclass::io {

/// Letters of ASCII only; others stay.
std::string upper_case(std::string_view name);

/// Whether a name is surely a gene's: an Ensembl or FlyBase id, a mitochondrial, ribosomal or
/// spike-in name, or one of the genes that nearly every data set has (ACTB, GAPDH, ...).
bool looks_like_gene(std::string_view name);

/// Whether a name is surely a cell's: a barcode (at least 8 letters of A, C, G, T, N, with what
/// other programs put before and after it), a GEO or SRA accession, or "cell" with a number.
bool looks_like_cell(std::string_view name);

/// Whether a name is what stands over the names of a table's rows rather than over a column:
/// "cell", "gene_id", nothing.
bool is_corner(std::string_view name);

/// What the names of a table's rows and columns (and the field in its corner) say about which of
/// them are cells; Orientation::detect where they say nothing or contradict each other.
Orientation orientation_by_names(std::string_view corner, const std::vector<std::string>& columns,
                                 const std::vector<std::string>& rows);

/// Whether the names leave no doubt that the cells are genes and the genes cells.
bool names_are_swapped(const std::vector<std::string>& cell_names,
                       const std::vector<std::string>& gene_names);

}  // namespace maskclass::io
