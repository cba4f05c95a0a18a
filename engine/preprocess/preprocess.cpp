#include "engine/preprocess/preprocess.h"

#include <algorithm>
#include <utility>

#include "engine/counted.h"
#include "engine/error.h"
#include "engine/preprocess/filter.h"
#include "engine/preprocess/gene_scaling.h"
#include "engine/preprocess/normalise.h"

namespace maskclass {
namespace {

void check_options(const CsrView& counts, const PreprocessOptions& options) {
  if (options.n_top_genes < 0) {
    throw usage_error("--n-top-genes is " + std::to_string(options.n_top_genes) +
                      "; it must be 0 (all genes) or more");
  }
  if (!options.batch_of.empty() && std::ssize(options.batch_of) != counts.n_cells) {
    throw usage_error(counted(std::ssize(options.batch_of), "cell") +
                      " have a batch, but there are " + with_thousands(counts.n_cells));
  }
  if (std::any_of(options.batch_of.begin(), options.batch_of.end(),
                  [](std::int32_t batch) { return batch < 0; })) {
    throw usage_error("batches are numbered from 0");
  }
  for (const std::int32_t gene : options.genes) {
    if (gene >= 0 && gene < counts.n_genes) continue;
    throw usage_error("gene " + std::to_string(gene) + " (counted from 0) was chosen, but the " +
                      "matrix has " + counted(counts.n_genes, "gene"));
  }
}

/// Positions within `passed` of the genes that the caller chose, ascending.
std::vector<std::int32_t> chosen_positions(std::vector<std::int32_t> chosen,
                                           const std::vector<std::int32_t>& passed,
                                           const Callbacks& callbacks) {
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  std::vector<std::int32_t> positions;
  for (const std::int32_t gene : chosen) {
    const auto found = std::lower_bound(passed.begin(), passed.end(), gene);
    if (found == passed.end() || *found != gene) continue;
    positions.push_back(static_cast<std::int32_t>(found - passed.begin()));
  }
  if (positions.empty()) {
    throw data_error("none of the chosen genes is found in enough cells; lower `--min-cells`");
  }
  if (positions.size() < chosen.size()) {
    log_line(callbacks, "left out " +
                            with_thousands(static_cast<std::int64_t>(chosen.size()) -
                                           static_cast<std::int64_t>(positions.size())) +
                            " of " + with_thousands(static_cast<std::int64_t>(chosen.size())) +
                            " chosen genes: found in too few cells");
  }
  return positions;
}

/// Positions within the genes that passed of the most variable ones, ascending.
std::vector<std::int32_t> variable_positions(const HvgResult& variances, int n_top,
                                             const Callbacks& callbacks) {
  if (variances.top.empty()) {
    throw data_error(
        "no gene varies more between cells than technical noise explains; `--n-top-genes 0` keeps "
        "all genes");
  }
  std::vector<std::int32_t> positions = variances.top;
  std::sort(positions.begin(), positions.end());
  const auto n_selected = static_cast<std::int64_t>(positions.size());
  std::string line = "selected " + counted(n_selected, "highly variable gene");
  if (n_selected < n_top) {
    line += ": no more vary beyond technical noise (" + with_thousands(n_top) + " were asked for)";
  }
  log_line(callbacks, line);
  return positions;
}

/// Chooses among the genes of `passed` (kept cells x genes that passed).
void select_genes(const CsrPart& passed, const PreprocessOptions& options, Preprocessed& result,
                  int n_threads, const Callbacks& callbacks) {
  std::vector<std::int32_t> positions;
  if (!options.genes.empty()) {
    positions = chosen_positions(options.genes, result.passed_genes, callbacks);
  } else if (options.n_top_genes > 0) {
    result.variances = rank_highly_variable_genes(passed, result.library_sizes,
                                                  batches_of_cells(options.batch_of, result.cells),
                                                  options.n_top_genes, n_threads);
    positions = variable_positions(*result.variances, options.n_top_genes, callbacks);
  } else {
    result.genes = result.passed_genes;
    return;
  }
  for (const std::int32_t position : positions) {
    result.genes.push_back(result.passed_genes[position]);
  }
}

ScaledGenes scale_on_processor(const Preprocessed& input, const Winsorising& quantiles,
                               int n_threads) {
  const CsrView counts = input.counts.view();
  ScaledGenes result;
  result.scaling = fit_gene_scaling(counts, input.size_factors, n_threads, quantiles);
  result.scaled = scale_nonzeros(counts, input.size_factors, result.scaling, n_threads);
  return result;
}

void scale_genes(Preprocessed& result, const Winsorising& quantiles, int n_threads,
                 const Callbacks& callbacks, const GeneScaler& scaler) {
  std::optional<ScaledGenes> scaled;
  if (scaler) scaled = scaler(result.counts.view(), result.size_factors, quantiles);
  if (!scaled) scaled = scale_on_processor(result, quantiles, n_threads);
  result.scaling = std::move(scaled->scaling);
  result.scaled = std::move(scaled->scaled);
  result.n_constant_genes =
      std::count_if(result.scaling.begin(), result.scaling.end(), is_constant);
  if (result.n_constant_genes == 0) return;
  log_line(callbacks, with_thousands(result.n_constant_genes) +
                          (result.n_constant_genes == 1 ? " gene is" : " genes are") +
                          " constant after winsorising and will be rebuilt as that constant");
}

}  // namespace

Preprocessed preprocess(const CsrView& counts, const PreprocessOptions& options,
                        std::span<const std::string> cell_names, int n_threads,
                        const Callbacks& callbacks, const GeneScaler& scaler) {
  n_threads = std::max(1, n_threads);
  check_options(counts, options);
  constexpr std::int64_t kStages = 4;
  std::int64_t stage = 0;
  const auto next_stage = [&](const char* name) {
    report_progress(callbacks, {"prepare", stage++, kStages, "steps", 0, name});
  };

  next_stage("filter");
  Kept kept = filter_genes_and_cells(counts, options.min_cells, options.drop_empty_cells,
                                     cell_names, n_threads, callbacks);
  Preprocessed result;
  result.cells = std::move(kept.cells);
  result.passed_genes = std::move(kept.genes);
  const CsrPart passed(counts, result.cells, result.passed_genes);

  next_stage("normalise");
  LibrarySizes libraries = library_sizes_of(passed, n_threads);
  result.library_sizes = std::move(libraries.sizes);
  result.median_library_size = libraries.median;
  result.size_factors = std::move(libraries.size_factors);

  next_stage("select genes");
  select_genes(passed, options, result, n_threads, callbacks);
  result.counts = select(counts, result.cells, result.genes, n_threads);

  next_stage("scale genes");
  scale_genes(result, options.quantiles, n_threads, callbacks, scaler);
  report_progress(callbacks, {"prepare", kStages, kStages, "steps"});
  return result;
}

}  // namespace maskclass
