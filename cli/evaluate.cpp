#include <fmt/core.h>

#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/console.h"
#include "cli/damage.h"
#include "cli/device_option.h"
#include "engine/device/range.h"
#include "engine/error.h"
#include "engine/evaluate/evaluation.h"
#include "engine/io/evaluation_files.h"
#include "engine/report/evaluation_report.h"

namespace maskclass::cli {
namespace {

struct Options {
  io::EvaluationFiles files;
  EvaluationOptions evaluation;
  CommonOptions common;
  int min_cells = 3;
  std::string device = "auto";
  bool json = false;
};

void run_evaluate(const Options& options) {
  const io::EvaluationFiles& files = options.files;
  if (files.truth.empty() && files.labels.empty() && files.label_column.empty()) {
    throw usage_error(
        "nothing to compare with: give --truth (a folder of `maskclass simulate` or a file of true "
        "counts), --labels FILE, or --label-column NAME (of the obs of an .h5ad)");
  }
  Console console(options.common.quiet, options.common.json());
  const DamageGuard damage_guard({files.denoised.string(), files.truth.string()});
  const Callbacks callbacks = console.callbacks();
  const io::LoadedEvaluation loaded = [&] {
    const ProfilerRange range("read");
    return io::load_evaluation(files, options.evaluation.n_threads, callbacks);
  }();
  if (loaded.input.labels.empty() && options.evaluation.n_clusters > 0) {
    throw usage_error("--clusters: needs labels to compare the clusters with; give --labels FILE");
  }
  const EvaluationReport report = evaluate(loaded.input, options.evaluation, callbacks);
  const auto print = options.json ? evaluation_json : evaluation_table;
  fmt::print("{}", print(files.denoised.string(), report, loaded));
}

const char* const kEvaluateExamples = R"(
MSE is the mean squared error of log2(1 + normalised count); dropout-MSE that of lost counts, and
biozero-MSE that of genes that are truly off. The Bayes floor is what no method that keeps observed
values can beat. ARI, NMI and purity say how well clusters of the denoised cells agree with labels.
docs/evaluation.md has the definitions.

Examples:
  maskclass simulate equal -o simulated
  maskclass denoise simulated/counts.h5ad --n-top-genes 0 -o denoised.h5ad
  maskclass evaluate denoised.h5ad --truth simulated
  maskclass evaluate pbmc.h5ad --labels labels.tsv.gz
  maskclass evaluate pbmc.h5ad --labels cell_type --json
  maskclass evaluate denoised.csv.gz --truth true_counts.mtx.gz --counts counts.mtx.gz
)";

void add_file_options(CLI::App& command, Options& options) {
  io::EvaluationFiles& files = options.files;
  command
      .add_option("DENOISED", files.denoised,
                  "What `denoise` wrote: .h5ad, or log2 values as .npy, .csv/.tsv[.gz], .mtx[.gz]")
      ->required();
  command.add_option("--truth", files.truth,
                     "Folder that `simulate` wrote (then labels and the Bayes floor come from it), "
                     "or a file of true counts");
  command.add_option("--counts", files.counts,
                     "Observed counts, the input of `denoise`; needed with a file of true counts, "
                     "and for names and the values before denoising where DENOISED is no .h5ad");
  command.add_option("--counts-layer", files.counts_layer,
                     "Matrix of an .h5ad of counts: a layer's name, or raw; X where not given");
  command.add_option(
      "--labels", files.labels,
      "Table of cells and their labels (.tsv or .csv, may be .gz), or a column of obs "
      "of DENOISED");
  command.add_option(
      "--label-column", files.label_column,
      "Column of --labels that holds the label; without --labels, of obs of DENOISED");
  command.add_option("--layer", files.layer,
                     "Matrix of DENOISED to score: a layer's name, X, or obsm/KEY");
  command
      .add_option("--min-cells", options.min_cells,
                  "Library sizes are over genes with a count in at least this many cells; what "
                  "DENOISED says where not given, else 3")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--allow-non-integer", files.allow_non_integer,
                   "Take values that are not whole numbers as counts");
}

}  // namespace

void add_evaluate(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("evaluate", "Score denoised values against a known truth or labels");
  const auto options = std::make_shared<Options>();
  EvaluationOptions& evaluation = options->evaluation;
  command->footer(kEvaluateExamples);
  command->option_defaults()->always_capture_default();
  add_file_options(*command, *options);
  command->add_flag("--biozero", options->files.biozero,
                    "Score the layer biozero of DENOISED, too (needs --truth)");
  command->add_flag("--baseline,!--no-baseline", evaluation.baseline,
                    "Cluster the values before denoising, too (the default)");
  command
      ->add_flag("!--no-clusters", evaluation.cluster,
                 "Score against the truth only, though it has labels")
      ->default_str("");
  command
      ->add_option("--clusters", evaluation.n_clusters,
                   "Clusters to look for; 0 = as many as there are labels")
      ->check(CLI::Range(0, 100000));
  command
      ->add_option("--starts", evaluation.n_starts,
                   "Starts of k-means; the one with the smallest sum of squares counts")
      ->check(CLI::Range(1, 100000));
  add_seed_option(*command, evaluation.seed, "Seed of k-means");
  add_device_option(*command, options->device);
  command->add_flag("--json", options->json, "Print one JSON object instead of tables");
  add_common_options(*command, options->common);
  command->callback([command, options] {
    options->evaluation.n_threads = options->common.thread_count();
    options->evaluation.device = device_of(options->device);
    if (command->count("--min-cells") > 0) options->files.min_cells = options->min_cells;
    run_evaluate(*options);
  });
}

}  // namespace maskclass::cli
