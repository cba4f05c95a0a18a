#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "engine/io/counts_writer.h"
#include "engine/io/result_writer.h"

namespace maskclass::io {

/// Opens an .h5ad file for results, in the layout that anndata 0.8 and newer read:
/// - X: header.counts, csr_matrix of float32;
/// - layers maskclass (log2), denoised (counts scale), biozero: float32 [n_cells][n_genes], in
///   chunks of about 1 MB of whole cells; obsm X_maskclass [n_cells][latent_width]; these and X
///   compressed as header.compression says (shuffle and gzip);
/// - obs: the source's columns (of several inputs all, joined: carry_joined_obs), then
/// maskclass_library_size; var: the source's columns, then
///   gene_symbols (where the source has no symbols), highly_variable, maskclass_rank,
///   maskclass_denoised; columns of ours replace those of the same name, and all whose names start
///   with "maskclass_";
/// - all other elements of the source: layers, obsm, obsp, varm, varp, uns, raw (CarriedSource);
/// - uns maskclass: header.parameters_json as scalars, the dict history of float64, and
///   not_carried, what of the source is of no kind that can be copied, if any.
/// The file has a temporary name until finish(). The same input gives the same bytes. Throws
/// Error{data} where the folder is missing or not writable, or the disk is full.
std::unique_ptr<ResultWriter> open_h5ad_writer(const std::filesystem::path& path,
                                               const ResultHeader& header);

/// Writes counts as an .h5ad input: X (csr_matrix, float32), obs with the columns given, var with
/// gene_symbols where the data set has them. Atomic as above; the same errors.
void write_h5ad_counts(const std::filesystem::path& path, const Dataset& dataset,
                       const std::vector<CellColumn>& columns);

}  // namespace maskclass::io
