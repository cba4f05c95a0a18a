#include "engine/io/text/matrix_market_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/text/matrix_market_file.h"
#include "engine/io/text/name_lists.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;

struct NameFiles {
  fs::path features;
  fs::path barcodes;
};

/// PREFIXfeatures.tsv or PREFIXgenes.tsv with PREFIXbarcodes.tsv in `folder`, where both exist.
std::optional<NameFiles> find_name_files(const fs::path& folder, const std::string& prefix) {
  auto features = plain_or_gzip(folder / (prefix + "features.tsv"));
  if (!features) features = plain_or_gzip(folder / (prefix + "genes.tsv"));
  const auto barcodes = plain_or_gzip(folder / (prefix + "barcodes.tsv"));
  if (!features || !barcodes) return std::nullopt;
  return NameFiles{*features, *barcodes};
}

/// What may stand before "barcodes.tsv" for a matrix of this name, the likeliest first.
std::vector<std::string> name_prefixes(const std::string& file_name) {
  std::string stem = file_name;
  for (const std::string_view ending : {".gz", ".mtx"}) {
    if (stem.ends_with(ending)) stem.resize(stem.size() - ending.size());
  }
  std::vector<std::string> prefixes;
  if (constexpr std::string_view usual = "matrix"; stem.ends_with(usual)) {
    prefixes.push_back(stem.substr(0, stem.size() - usual.size()));
  }
  for (;;) {
    prefixes.push_back(stem + ".");
    const std::size_t dot = stem.find_last_of('.');
    if (dot == std::string::npos) break;
    stem.resize(dot);
  }
  prefixes.emplace_back();
  return prefixes;
}

/// The orientation that agrees with the numbers of names; 10x's where both do.
bool genes_are_rows_by_names(const MatrixMarketFile& file, const FeatureList& features,
                             const std::vector<std::string>& barcodes,
                             const fs::path& barcodes_path, const ReadOptions& options,
                             const Callbacks& callbacks) {
  const auto n_genes = static_cast<std::int64_t>(features.ids.size());
  const auto n_cells = static_cast<std::int64_t>(barcodes.size());
  const bool as_rows = file.n_rows() == n_genes && file.n_columns() == n_cells;
  const bool as_columns = file.n_rows() == n_cells && file.n_columns() == n_genes;
  if (!as_rows && !as_columns) {
    throw data_error(fmt::format(
        "{}: the matrix is {} x {}, but {} has {} lines and {} has {}: the files do not belong "
        "together or one is truncated",
        file.size_line(), file.n_rows(), file.n_columns(), features.file, n_genes,
        barcodes_path.string(), n_cells));
  }
  if ((options.orientation == Orientation::genes_are_rows && !as_rows) ||
      (options.orientation == Orientation::cells_are_rows && !as_columns)) {
    throw usage_error(
        fmt::format("{}: the names beside the matrix contradict --orientation: its "
                    "rows are {}",
                    file.name(), as_rows ? "genes" : "cells"));
  }
  if (options.orientation != Orientation::detect) {
    return options.orientation == Orientation::genes_are_rows;
  }
  if (!as_rows) {
    log_line(callbacks, fmt::format("{}: read as cells x genes, as its names say", file.name()));
  }
  return as_rows;
}

Dataset read_without_names(const fs::path& path, const ReadOptions& options,
                           const Callbacks& callbacks) {
  MatrixMarketFile file(path);
  const bool genes_are_rows = options.orientation != Orientation::cells_are_rows;
  const std::int64_t n_cells = genes_are_rows ? file.n_columns() : file.n_rows();
  const std::int64_t n_genes = genes_are_rows ? file.n_rows() : file.n_columns();
  // Names and row pointers are taken for what the header alone says.
  const std::int64_t credible = 1'000'000 + 10 * file.n_entries();
  if (std::max(n_cells, n_genes) > credible) {
    throw data_error(
        fmt::format("{}: {} x {} for {} entries is not credible without files of "
                    "names (barcodes.tsv, features.tsv) beside it",
                    file.size_line(), file.n_rows(), file.n_columns(), file.n_entries()));
  }
  if (options.orientation == Orientation::detect) {
    log_line(callbacks, fmt::format("{}: no names beside it; read as genes x cells, as 10x writes "
                                    "it: {} genes, {} cells (else: --orientation cells-are-rows)",
                                    file.name(), n_genes, n_cells));
  }
  Dataset dataset;
  dataset.path = path.string();
  dataset.counts = file.read(genes_are_rows, callbacks);
  dataset.cell_names = numbered_names("cell", n_cells);
  dataset.gene_names = numbered_names("gene", n_genes);
  return dataset;
}

std::string name_of_missing(const fs::path& folder, const std::string& file) {
  return fmt::format("{}: the folder has no {} (or {}.gz)", folder.string(), file, file);
}

/// Every Matrix Market file in `folder`, by name.
std::vector<fs::path> matrices_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool hidden = name.starts_with('.');
    if (!hidden && format_by_name(name) == FileFormat::matrix_market) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// 10x's own folders are nested (filtered_feature_bc_matrix, hg19): helps to the right one.
std::string nested_hint(const fs::path& folder) {
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(folder, ignored), end; at != end && !ignored;
       at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (at.depth() >= 2) at.disable_recursion_pending();
    if (name != "matrix.mtx" && name != "matrix.mtx.gz") continue;
    return fmt::format("; there is one in '{}'", at->path().parent_path().string());
  }
  return "";
}

/// matrix.mtx or, as public archives hold them, the one PREFIXmatrix.mtx of the folder.
fs::path require_matrix(const fs::path& folder) {
  if (const auto path = plain_or_gzip(folder / "matrix.mtx")) return *path;
  const std::vector<fs::path> found = matrices_in(folder);
  if (found.size() == 1) return found.front();
  if (found.empty()) throw data_error(name_of_missing(folder, "matrix.mtx") + nested_hint(folder));
  std::string list;
  for (const fs::path& path : found) {
    list += (list.empty() ? "" : ", ") + path.filename().string();
  }
  throw usage_error(
      fmt::format("{}: the folder holds {} matrices: name one of them as the input, "
                  "or several: {}",
                  folder.string(), found.size(), list));
}

/// The files of names beside a matrix, the likeliest first.
std::optional<NameFiles> names_beside(const fs::path& matrix) {
  for (const std::string& prefix : name_prefixes(matrix.filename().string())) {
    if (const auto names = find_name_files(matrix.parent_path(), prefix)) return names;
  }
  return std::nullopt;
}

[[noreturn]] void refuse_folder_without_names(const fs::path& folder, const fs::path& matrix) {
  std::string prefix = matrix.filename().string();
  const std::size_t end = prefix.rfind("matrix.mtx");
  prefix.resize(end == std::string::npos ? 0 : end);
  const auto there = [&](const char* name) {
    return plain_or_gzip(folder / (prefix + name)).has_value();
  };
  if (!there("barcodes.tsv")) throw data_error(name_of_missing(folder, prefix + "barcodes.tsv"));
  throw data_error(fmt::format("{}: the folder has neither {}features.tsv nor {}genes.tsv (or .gz)",
                               folder.string(), prefix, prefix));
}

}  // namespace

Dataset read_matrix_market_with_names(const fs::path& matrix_path, const fs::path& features_path,
                                      const fs::path& barcodes_path, const ReadOptions& options,
                                      const Callbacks& callbacks) {
  // The sizes are compared before the matrix is read: a wrong folder shows at once.
  MatrixMarketFile file(matrix_path);
  FeatureList features = read_features(features_path);
  Dataset dataset;
  dataset.path = matrix_path.string();
  dataset.cell_names = read_names(barcodes_path);
  const bool genes_are_rows = genes_are_rows_by_names(file, features, dataset.cell_names,
                                                      barcodes_path, options, callbacks);
  dataset.counts = file.read(genes_are_rows, callbacks);
  take_features(std::move(features), options, dataset, callbacks);
  return dataset;
}

Dataset read_matrix_market_folder(const fs::path& folder, const ReadOptions& options,
                                  const Callbacks& callbacks) {
  const fs::path matrix = require_matrix(folder);
  const auto names = names_beside(matrix);
  if (!names) refuse_folder_without_names(folder, matrix);
  return read_matrix_market_with_names(matrix, names->features, names->barcodes, options,
                                       callbacks);
}

Dataset read_matrix_market_file(const fs::path& path, const ReadOptions& options,
                                const Callbacks& callbacks) {
  const auto names = names_beside(path);
  if (!names) return read_without_names(path, options, callbacks);
  log_line(callbacks, fmt::format("{}: names from {} and {}", path.string(),
                                  names->features.string(), names->barcodes.string()));
  return read_matrix_market_with_names(path, names->features, names->barcodes, options, callbacks);
}

}  // namespace maskclass::io
