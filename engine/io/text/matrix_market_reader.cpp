#include "engine/io/text/matrix_market_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/io/csr_builder.h"
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

/// 10x stores antibodies and guides beside the genes: they are counts of another kind.
void keep_gene_expression(Dataset& dataset, const FeatureList& features,
                          const Callbacks& callbacks) {
  const std::string wanted = "Gene Expression";
  std::map<std::string, std::int64_t> n_of_type;
  for (const std::string& type : features.types) ++n_of_type[type];
  if (n_of_type.size() < 2 || !n_of_type.contains(wanted)) return;

  std::vector<std::uint8_t> keep(features.types.size());
  for (std::size_t k = 0; k < keep.size(); ++k) keep[k] = features.types[k] == wanted ? 1 : 0;
  keep_genes(dataset.counts, keep);
  const auto keep_names = [&](std::vector<std::string>& names) {
    std::size_t to = 0;
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (keep[k] == 0) continue;
      if (to != k) names[to] = std::move(names[k]);
      ++to;
    }
    names.resize(to);
  };
  keep_names(dataset.gene_names);
  keep_names(dataset.gene_symbols);

  std::string rest;
  for (const auto& [type, n] : n_of_type) {
    if (type != wanted) rest += fmt::format("{}{} of '{}'", rest.empty() ? "" : ", ", n, type);
  }
  log_line(callbacks, fmt::format("{}: kept the {} features of type '{}', left out {}",
                                  features.file, n_of_type[wanted], wanted, rest));
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

fs::path require(const fs::path& folder, const std::string& file) {
  const auto path = plain_or_gzip(folder / file);
  if (!path) throw data_error(name_of_missing(folder, file));
  return *path;
}

/// 10x's own folders are nested (filtered_feature_bc_matrix, hg19): helps to the right one.
fs::path require_matrix(const fs::path& folder) {
  if (const auto path = plain_or_gzip(folder / "matrix.mtx")) return *path;
  std::error_code ignored;
  std::string hint;
  for (fs::recursive_directory_iterator at(folder, ignored), end; at != end && !ignored;
       at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (at.depth() >= 2) at.disable_recursion_pending();
    if (name != "matrix.mtx" && name != "matrix.mtx.gz") continue;
    hint = fmt::format("; there is one in '{}'", at->path().parent_path().string());
    break;
  }
  throw data_error(name_of_missing(folder, "matrix.mtx") + hint);
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
  dataset.gene_names = std::move(features.ids);
  dataset.gene_symbols = std::move(features.symbols);
  keep_gene_expression(dataset, features, callbacks);
  log_repeated_names(dataset.gene_names, "gene", callbacks);
  log_repeated_names(dataset.cell_names, "cell", callbacks);
  return dataset;
}

Dataset read_matrix_market_folder(const fs::path& folder, const ReadOptions& options,
                                  const Callbacks& callbacks) {
  const fs::path matrix = require_matrix(folder);
  const fs::path barcodes = require(folder, "barcodes.tsv");
  auto features = plain_or_gzip(folder / "features.tsv");
  if (!features) features = plain_or_gzip(folder / "genes.tsv");
  if (!features) {
    throw data_error(fmt::format("{}: the folder has neither features.tsv nor genes.tsv (or .gz)",
                                 folder.string()));
  }
  return read_matrix_market_with_names(matrix, *features, barcodes, options, callbacks);
}

Dataset read_matrix_market_file(const fs::path& path, const ReadOptions& options,
                                const Callbacks& callbacks) {
  for (const std::string& prefix : name_prefixes(path.filename().string())) {
    const auto names = find_name_files(path.parent_path(), prefix);
    if (!names) continue;
    log_line(callbacks, fmt::format("{}: names from {} and {}", path.string(),
                                    names->features.string(), names->barcodes.string()));
    return read_matrix_market_with_names(path, names->features, names->barcodes, options,
                                         callbacks);
  }
  return read_without_names(path, options, callbacks);
}

}  // namespace maskclass::io
