#include "engine/io/h5ad/h5ad_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/h5ad/h5ad_frame.h"
#include "engine/io/h5ad/h5ad_matrix.h"

namespace maskclass::io {
namespace {

constexpr std::size_t kSummaryBlock = std::size_t{1} << 20;

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

std::vector<std::string> symbols(const Frame& var) {
  for (const char* name : {"gene_symbols", "gene_name", "feature_name", "gene_short_name"}) {
    if (var.has_column(name)) return text_column(hdf5::open(var.group, name));
  }
  return {};
}

ValueSummary summarise_parallel(std::span<const float> values, int n_threads) {
  ValueSummary summary;
#pragma omp parallel for num_threads(n_threads) schedule(static)
  for (std::size_t first = 0; first < values.size(); first += kSummaryBlock) {
    const ValueSummary part =
        summarise(values.subspan(first, std::min(kSummaryBlock, values.size() - first)));
#pragma omp critical(maskclass_h5ad_summary)
    summary = combine(summary, part);
  }
  return summary;
}

void check_is_anndata(const hdf5::Node& file) {
  if (hdf5::has(file, "obs") && hdf5::has(file, "var")) return;
  const bool cell_ranger = hdf5::has(file, "matrix/barcodes") || hdf5::has(file, "matrix/indptr");
  throw data_error(file.where +
                   (cell_ranger ? ": is a 10x HDF5 matrix, not an .h5ad; use the matrix.mtx.gz "
                                  "folder beside it, or convert it with scanpy.read_10x_h5"
                                : ": is HDF5 but not an .h5ad: it has no obs and var"));
}

Dataset read_open(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks) {
  const hdf5::Node file = hdf5::open_file(path);
  check_is_anndata(file);
  const Choice choice = chosen(file, options.layer);
  Dataset dataset;
  dataset.path = path.string();
  dataset.matrix = choice.matrix;
  dataset.cell_names = row_names(open_frame(file, "obs"));
  const Frame var = open_frame(file, choice.var);
  dataset.gene_names = row_names(var);
  dataset.gene_symbols = symbols(var);
  if (!dataset.gene_symbols.empty() && dataset.gene_symbols.size() != dataset.gene_names.size()) {
    throw data_error(fmt::format("{}: has {} symbols for {} genes; the file is damaged",
                                 var.group.where, dataset.gene_symbols.size(),
                                 dataset.gene_names.size()));
  }
  StoredMatrix matrix = open_matrix(file, choice.matrix);
  const MatrixNames names{dataset.cell_names, dataset.gene_names};
  read_pointers(matrix, names);
  dataset.counts = load(matrix, names, options.n_threads, callbacks);
  if (!summarise_parallel(dataset.counts.values, options.n_threads).counts()) {
    check_counts(dataset, options.allow_non_integer, advice(file, choice));
  }
  return dataset;
}

}  // namespace

Dataset read_h5ad(const std::filesystem::path& path, const ReadOptions& options,
                  const Callbacks& callbacks) {
  return hdf5::in_session(path.string(), [&] { return read_open(path, options, callbacks); });
}

}  // namespace maskclass::io
