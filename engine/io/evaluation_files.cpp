#include "engine/io/evaluation_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "engine/error.h"
#include "engine/evaluate/normalised_blocks.h"
#include "engine/io/denoised_file.h"
#include "engine/io/file_format.h"
#include "engine/io/labels.h"
#include "engine/io/name_matching.h"
#include "engine/io/reader.h"
#include "engine/io/simulation_files.h"

namespace maskclass::io {
namespace {

namespace fs = std::filesystem;

/// Counts that are matched with the denoised values.
struct MatchedCounts {
  std::shared_ptr<Dataset> dataset;
  std::vector<std::int64_t> cells;  ///< Rows of the denoised cells.
  std::vector<std::int64_t> genes;  ///< Columns of the denoised genes.

  CsrView view() const { return dataset->counts.view(); }
  NormalisedCounts normalised_by(std::vector<double> size_factors) const {
    // Shares the ownership of the whole data set.
    return {{dataset, &dataset->counts}, std::move(size_factors), cells, genes};
  }
};

class Loader {
 public:
  Loader(const EvaluationFiles& files, int n_threads, const Callbacks& callbacks)
      : files_(files),
        n_threads_(n_threads),
        callbacks_(callbacks),
        simulated_(fs::is_directory(files.truth) && fs::exists(files.truth / "simulation.json")),
        denoised_(files.denoised, files.layer),
        cell_names_(denoised_.cell_names()) {}

  LoadedEvaluation load() {
    loaded_.input.denoised = denoised_.values();
    if (!files_.truth.empty()) {
      require_input(files_.truth);
      load_against_truth();
    } else if (!files_.counts.empty()) {
      load_observed(observed_counts());
    } else {
      load_observed_of_denoised();
    }
    load_labels();
    if (files_.biozero) load_biozero();
    return std::move(loaded_);
  }

 private:
  MatchedCounts read_matched(const fs::path& path, const std::string& layer,
                             bool allow_non_integer) const {
    ReadOptions options;
    options.layer = layer;
    options.allow_non_integer = allow_non_integer;
    options.n_threads = n_threads_;
    MatchedCounts counts;
    counts.dataset = std::make_shared<Dataset>(read_counts(path, options, callbacks_));
    const Dataset& dataset = *counts.dataset;
    counts.cells = match_names({denoised_.cell_names(), "cell", denoised_.path()},
                               {dataset.cell_names, "cell", path.string()});
    counts.genes =
        match_names({denoised_.gene_names(), "gene", denoised_.path()}, denoised_.gene_ids(),
                    {dataset.gene_names, "gene", path.string()}, dataset.gene_ids);
    return counts;
  }

  MatchedCounts observed_counts() const {
    if (!files_.counts.empty()) {
      return read_matched(files_.counts, files_.counts_layer, files_.allow_non_integer);
    }
    if (simulated_) return read_matched(simulation_counts_path(files_.truth, "counts"), "", false);
    if (fs::is_directory(files_.truth) && fs::exists(files_.truth / "cells.tsv")) {
      throw data_error(fmt::format("{}: the simulation.json of this simulation is missing",
                                   files_.truth.string()));
    }
    throw usage_error(
        "a file of true counts tells nothing about which zeros were observed: give the input of "
        "`denoise`, too, with --counts FILE");
  }

  int min_cells() const {
    constexpr int default_min_cells = 3;
    if (files_.min_cells) return *files_.min_cells;
    return denoised_.min_cells().value_or(default_min_cells);
  }

  /// Returns the genes that library sizes sum over.
  std::vector<std::int32_t> load_observed(const MatchedCounts& observed) {
    for (std::size_t k = 0; k < cell_names_.size(); ++k) {
      cell_names_[k] = observed.dataset->cell_names[observed.cells[k]];
    }
    auto library_genes = genes_in_cells(observed.view(), min_cells());
    loaded_.input.observed = log_normalised_blocks(
        observed.normalised_by(size_factors(observed.view(), library_genes)), n_threads_);
    return library_genes;
  }

  void load_against_truth() {
    const MatchedCounts observed = observed_counts();
    const std::vector<std::int32_t> library_genes = load_observed(observed);
    const fs::path path = simulated_ ? simulation_counts_path(files_.truth, "truth") : files_.truth;
    const MatchedCounts truth = read_matched(path, "", files_.allow_non_integer);
    loaded_.input.truth = log_normalised_blocks(
        truth.normalised_by(
            size_factors(truth.view(), in_truth(*observed.dataset, library_genes, *truth.dataset))),
        n_threads_);
    if (simulated_) load_generator(observed, truth, library_genes);
  }

  /// The same genes as columns of the truth.
  static std::vector<std::int32_t> in_truth(const Dataset& observed,
                                            const std::vector<std::int32_t>& genes,
                                            const Dataset& truth) {
    std::vector<std::string> names;
    names.reserve(genes.size());
    for (const std::int32_t gene : genes) names.push_back(observed.gene_names[gene]);
    std::vector<std::int32_t> columns;
    if (observed.gene_names == truth.gene_names) return genes;
    for (const std::int64_t column :
         match_names({names, "gene", observed.path}, {truth.gene_names, "gene", truth.path})) {
      columns.push_back(static_cast<std::int32_t>(column));
    }
    return columns;
  }

  /// The groups of the cells and the Bayes floor.
  void load_generator(const MatchedCounts& observed, const MatchedCounts& truth,
                      const std::vector<std::int32_t>& library_genes) {
    const Dataset& counts = *observed.dataset;
    if (counts.cell_names != truth.dataset->cell_names ||
        counts.gene_names != truth.dataset->gene_names) {
      throw data_error(fmt::format("{}: its cells or genes are not those of {}, in this order",
                                   counts.path, truth.dataset->path));
    }
    const simulate::Generator generator = read_generator(files_.truth);
    if (generator.n_cells != counts.counts.n_cells || generator.n_genes != counts.counts.n_genes) {
      throw data_error(fmt::format("{}: {} cells x {} genes, where the simulation has {} x {}",
                                   counts.path, counts.counts.n_cells, counts.counts.n_genes,
                                   generator.n_cells, generator.n_genes));
    }
    for (const std::int64_t cell : observed.cells) {
      groups_.push_back("Group" + std::to_string(generator.group[cell] + 1));
    }
    std::vector<std::int32_t> genes(observed.genes.begin(), observed.genes.end());
    std::sort(genes.begin(), genes.end());
    if (std::ssize(observed.cells) == generator.n_cells) {
      loaded_.floor = simulate::bayes_floor(generator, observed.view(), truth.view(), library_genes,
                                            genes, n_threads_, callbacks_);
      return;
    }
    std::vector<std::int64_t> cells = observed.cells;
    std::sort(cells.begin(), cells.end());
    std::vector<std::int32_t> all_genes(generator.n_genes);
    for (std::int32_t gene = 0; gene < generator.n_genes; ++gene) all_genes[gene] = gene;
    const CsrMatrix kept = select(observed.view(), cells, all_genes, n_threads_);
    const CsrMatrix kept_truth = select(truth.view(), cells, all_genes, n_threads_);
    loaded_.floor =
        simulate::bayes_floor(simulate::select_cells(generator, cells), kept.view(),
                              kept_truth.view(), library_genes, genes, n_threads_, callbacks_);
  }

  /// X of the denoised file holds the input's counts; obs has the library sizes.
  void load_observed_of_denoised() {
    const auto library_sizes = denoised_.library_sizes();
    if (!library_sizes) return;
    const MatchedCounts counts = read_matched(files_.denoised, "", true);
    loaded_.input.observed =
        log_normalised_blocks(counts.normalised_by(size_factors(*library_sizes)), n_threads_);
  }

  /// `--labels cell_type`: no file, so a column of obs of what was denoised.
  bool labels_are_a_column() const {
    std::error_code ignored;
    return denoised_.is_h5ad() && !std::filesystem::exists(files_.labels, ignored) &&
           files_.labels.extension().empty() && files_.label_column.empty();
  }

  std::vector<std::string> cell_labels() const {
    if (!files_.labels.empty() && labels_are_a_column()) {
      return denoised_.cell_column(files_.labels.string());
    }
    if (!files_.labels.empty()) {
      return read_labels(files_.labels, files_.label_column, cell_names_);
    }
    if (!files_.label_column.empty()) return denoised_.cell_column(files_.label_column);
    return groups_;
  }

  void load_labels() {
    const std::vector<std::string> labels = cell_labels();
    const std::set<std::string> distinct(labels.begin(), labels.end());
    loaded_.label_names.assign(distinct.begin(), distinct.end());
    for (std::size_t cell = 0; cell < labels.size(); ++cell) {
      if (labels[cell].empty()) {
        throw data_error(fmt::format("cell '{}' has no label", cell_names_[cell]));
      }
      const auto place =
          std::lower_bound(loaded_.label_names.begin(), loaded_.label_names.end(), labels[cell]);
      loaded_.input.labels.push_back(
          static_cast<std::int32_t>(place - loaded_.label_names.begin()));
    }
    loaded_.input.n_labels = static_cast<std::int32_t>(loaded_.label_names.size());
  }

  void load_biozero() {
    if (!loaded_.input.truth) {
      throw usage_error("--biozero: probabilities can be scored only against --truth");
    }
    loaded_.input.biozero = denoised_.layer("biozero");
  }

  const EvaluationFiles& files_;
  int n_threads_;
  const Callbacks& callbacks_;
  bool simulated_;  ///< The truth is a folder of `simulate`.
  DenoisedFile denoised_;
  std::vector<std::string> cell_names_;  ///< Those of the counts where the file has none.
  LoadedEvaluation loaded_;
  std::vector<std::string> groups_;  ///< Of the simulated cells.
};

}  // namespace

LoadedEvaluation load_evaluation(const EvaluationFiles& files, int n_threads,
                                 const Callbacks& callbacks) {
  return Loader(files, n_threads, callbacks).load();
}

}  // namespace maskclass::io
