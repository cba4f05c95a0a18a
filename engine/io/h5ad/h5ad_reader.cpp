#include "engine/io/h5ad/h5ad_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <span>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_matrix.h"

namespace maskclass::io {
namespace {

/// A matrix of the file, by its path and by the flag that chooses it.
struct Choice {
  std::string matrix;  ///< "X", "raw/X", "layers/counts"
  std::string flag;    ///< "no --layer", "--layer raw", "--layer counts"
  std::string var;     ///< The table of its genes.
};

/// All matrices of the file, those first that usually hold counts.
std::vector<Choice> choices(const hdf5::Node& file) {
  std::vector<Choice> found;
  if (hdf5::has(file, "layers/counts")) found.push_back({"layers/counts", "--layer counts", "var"});
  if (hdf5::has(file, "raw/X")) found.push_back({"raw/X", "--layer raw", "raw/var"});
  if (hdf5::has(file, "X")) found.push_back({"X", "no --layer", "var"});
  if (!hdf5::has(file, "layers")) return found;
  const hdf5::Node layers = hdf5::open(file, "layers");
  for (const std::string& name : hdf5::child_names(layers)) {
    if (name != "counts") found.push_back({"layers/" + name, "--layer " + name, "var"});
  }
  return found;
}

Choice chosen(const hdf5::Node& file, const std::string& layer) {
  const std::vector<Choice> all = choices(file);
  std::string wanted = layer.empty() ? "X" : "layers/" + layer;
  if (layer == "raw" && hdf5::has(file, "raw/X")) wanted = "raw/X";
  std::vector<std::string> names;
  for (const Choice& choice : all) {
    if (choice.matrix == wanted) return choice;
    names.push_back(fmt::format("{} ({})", choice.matrix, choice.flag));
  }
  throw data_error(fmt::format("{}: has no {}; its matrices: {}", file.where, wanted,
                               names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

/// What to do where `tried` holds no counts: the flag of a matrix whose first values are counts, or
/// nothing. A matrix that cannot be read is no advice.
std::string advice(const hdf5::Node& file, const Choice& tried) {
  for (const Choice& choice : choices(file)) {
    if (choice.matrix == tried.matrix) continue;
    try {
      const std::vector<float> values = first_values(open_matrix(file, choice.matrix));
      if (!values.empty() && summarise(values).counts()) {
        return fmt::format("{} of the same file holds counts: run with {}", choice.matrix,
                           choice.flag);
      }
    } catch (const Error&) {
      continue;
    }
  }
  return "";
}

/// What the first values of a matrix look like, in a word or two.
std::string kind_of(const hdf5::Node& file, const Choice& choice) {
  try {
    const ValueSummary summary = summarise(first_values(open_matrix(file, choice.matrix)));
    if (summary.counts()) return "counts";
    if (!summary.finite) return "not finite";
    return summary.negative ? "negative values" : "not whole numbers";
  } catch (const Error&) {
    return "cannot be read";
  }
}

constexpr std::array kSymbolColumns{"gene_symbols", "gene_name", "feature_name", "gene_short_name"};
constexpr std::array kIdColumns{"gene_ids", "gene_id", "feature_id", "ensembl_id"};

/// The first of the columns that is there; else nothing.
std::vector<std::string> first_column(const Frame& var, std::span<const char* const> names) {
  for (const char* name : names) {
    if (name == var.index || !var.has_column(name)) continue;
    return text_column(hdf5::open(var.group, name));
  }
  return {};
}

void check_length(const Frame& var, const std::vector<std::string>& column, std::size_t n_genes) {
  if (column.empty() || column.size() == n_genes) return;
  throw data_error(fmt::format("{}: has {} symbols or ids for {} genes; the file is damaged",
                               var.group.where, column.size(), n_genes));
}

/// Symbols where the index holds ids, and ids where it holds symbols, as scanpy leaves it.
void read_gene_names(const Frame& var, Dataset& dataset) {
  dataset.gene_names = row_names(var);
  dataset.gene_symbols = first_column(var, kSymbolColumns);
  check_length(var, dataset.gene_symbols, dataset.gene_names.size());
  if (!dataset.gene_symbols.empty()) return;
  dataset.gene_ids = first_column(var, kIdColumns);
  check_length(var, dataset.gene_ids, dataset.gene_names.size());
}

void check_is_anndata(const hdf5::Node& file) {
  if (hdf5::has(file, "obs") && hdf5::has(file, "var")) return;
  const bool cell_ranger = hdf5::has(file, "matrix/barcodes") || hdf5::has(file, "matrix/indptr");
  throw data_error(file.where + (cell_ranger
                                     ? ": is a 10x HDF5 matrix, not an .h5ad; rename it to .h5"
                                     : ": is HDF5 but not an .h5ad: it has no obs and var"));
}

Dataset read_open_h5ad(const std::filesystem::path& path, const ReadOptions& options,
                       const Callbacks& callbacks) {
  const hdf5::Node file = hdf5::open_file(path);
  check_is_anndata(file);
  const Choice choice = chosen(file, options.layer);
  Dataset dataset;
  dataset.path = path.string();
  dataset.matrix = choice.matrix;
  dataset.cell_names = row_names(open_frame(file, "obs"));
  const Frame var = open_frame(file, choice.var);
  read_gene_names(var, dataset);
  StoredMatrix matrix = open_matrix(file, choice.matrix);
  const MatrixNames names{dataset.cell_names, dataset.gene_names};
  read_pointers(matrix, names);
  dataset.counts = load(matrix, names, options.n_threads, callbacks);
  if (options.check_values &&
      !summarise_matrix(dataset.counts.view(), options.n_threads).counts()) {
    check_counts(dataset, options.allow_non_integer, advice(file, choice));
  }
  return dataset;
}

}  // namespace

Dataset read_h5ad(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks) {
  return hdf5::in_session(path.string(), [&] { return read_open_h5ad(path, options, callbacks); });
}

bool is_gene_name_column(const std::string& column) {
  const auto is_in = [&](std::span<const char* const> names) {
    return std::find(names.begin(), names.end(), column) != names.end();
  };
  return is_in(kSymbolColumns) || is_in(kIdColumns);
}

std::vector<MatrixChoice> h5ad_choices(const std::filesystem::path& path) {
  return hdf5::in_session(path.string(), [&] {
    const hdf5::Node file = hdf5::open_file(path);
    std::vector<MatrixChoice> found;
    for (const Choice& choice : choices(file)) {
      found.push_back({choice.matrix, choice.flag, kind_of(file, choice)});
    }
    return found;
  });
}

}  // namespace maskclass::io
