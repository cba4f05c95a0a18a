#include <fmt/core.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/console.h"
#include "engine/error.h"
#include "engine/io/simulation_files.h"
#include "engine/simulate/splat.h"

namespace maskclass::cli {
namespace {

using simulate::BatchTruth;
using simulate::DropoutType;
using simulate::SplatParameters;

constexpr const char* kFooter = R"(
Scenarios (the paper's, Section 2.2):
  equal    2 groups, 50 and 50 %, dropout by group
  unequal  3 groups, 60, 30 and 10 %, dropout by group
  rare     4 groups, 50, 25, 20 and 5 %, dropout by group
  batch    3 groups, 40, 30 and 30 %, in 3 batches, dropout by batch

Written to DIR: counts.h5ad and truth.h5ad (obs: group, batch), cells.tsv, genes.tsv and
simulation.json, which hold what the Bayes floor needs.

Example:
  maskclass simulate rare -o simulated --cells 5000 --seed 1)";

#ifdef MASKCLASS_HAS_HDF5
constexpr const char* kDefaultFormat = "h5ad";
#else
constexpr const char* kDefaultFormat = "mtx";
#endif

struct Arguments {
  std::string scenario;
  std::string folder;
  SplatParameters parameters;
  std::uint64_t seed = 0;
  CommonOptions common;
  std::string format = kDefaultFormat;
  bool truth_with_batch_effects = false;
  bool force = false;
};

CLI::Option* add_values(CLI::App& command, const std::string& name, std::vector<double>& values,
                        const std::string& help) {
  return command.add_option(name, values, help)->delimiter(',')->allow_extra_args(false);
}

void add_number(CLI::App& command, const std::string& name, double& value,
                const std::string& help) {
  command.add_option(name, value, help)->capture_default_str()->group("Splat parameters");
}

void add_splat_options(CLI::App& command, SplatParameters& p) {
  add_number(command, "--library-location", p.library_location, "ln of the median library size");
  add_number(command, "--library-scale", p.library_scale, "its deviation between cells");
  add_number(command, "--mean-shape", p.mean_shape, "gamma distribution of gene means: shape");
  add_number(command, "--mean-rate", p.mean_rate, "... and rate");
  add_number(command, "--outlier-probability", p.outlier.probability,
             "share of genes with an outlying mean");
  add_number(command, "--outlier-location", p.outlier.location, "ln of the median outlier factor");
  add_number(command, "--outlier-scale", p.outlier.scale, "its deviation");
  add_number(command, "--de-probability", p.group_factor.probability,
             "share of genes that differ in a group (de.prob)");
  add_number(command, "--de-down-probability", p.group_factor.down_probability,
             "share of those that are lower");
  add_number(command, "--de-location", p.group_factor.location, "ln of the median factor");
  add_number(command, "--de-scale", p.group_factor.scale, "its deviation");
  add_number(command, "--batch-location", p.batch_factor.location,
             "ln of the median factor of a batch");
  add_number(command, "--batch-scale", p.batch_factor.scale, "its deviation");
  add_number(command, "--batch-down-probability", p.batch_factor.down_probability,
             "share of genes that are lower in a batch");
  add_number(command, "--bcv-common", p.bcv_common, "common biological coefficient of variation");
  add_number(command, "--bcv-df", p.bcv_degrees_of_freedom,
             "degrees of freedom of its variation between genes; inf for none");
}

void add_dropout_options(CLI::App& command, SplatParameters& p) {
  const char* section = "Dropout";
  add_values(command, "--dropout-midpoint", p.dropout_midpoint,
             "ln of the mean at which half is lost: one value, or one a group or batch, "
             "comma-separated [drawn]")
      ->group(section);
  add_values(command, "--dropout-shape", p.dropout_shape, "slope of the curve, alike [drawn]")
      ->group(section);
  const auto add_bound = [&](const std::string& name, double& value, const std::string& help) {
    command.add_option(name, value, help)->capture_default_str()->group(section);
  };
  add_bound("--dropout-midpoint-low", p.dropout_midpoint_low,
            "range that midpoints are drawn from");
  add_bound("--dropout-midpoint-high", p.dropout_midpoint_high, "... its upper end");
  add_bound("--dropout-shape-low", p.dropout_shape_low, "range that shapes are drawn from");
  add_bound("--dropout-shape-high", p.dropout_shape_high, "... its upper end");
}

/// What the scenario sets and no option overrides is taken from it.
SplatParameters parameters_of(const CLI::App& command, const Arguments& arguments) {
  const SplatParameters defaults = simulate::scenario(arguments.scenario);
  SplatParameters parameters = arguments.parameters;
  if (command.count("--group-proportions") == 0) {
    parameters.group_proportions = defaults.group_proportions;
  }
  if (command.count("--batch-proportions") == 0) {
    parameters.batch_proportions = defaults.batch_proportions;
  }
  if (command.count("--dropout-type") == 0) parameters.dropout_type = defaults.dropout_type;
  parameters.truth_without_batch_effects = !arguments.truth_with_batch_effects;
  return parameters;
}

void print_summary(const simulate::Simulation& simulation, const std::string& folder) {
  const simulate::Generator& generator = simulation.generator;
  const double n_entries = static_cast<double>(generator.n_cells) * generator.n_genes;
  fmt::print("{} cells x {} genes, {} group(s), {} batch(es)\n", generator.n_cells,
             generator.n_genes, generator.n_groups(), generator.n_batches());
  fmt::print("zeros: {:.1f} % of the counts, {:.1f} % of the truth\n",
             100 * (1 - simulation.counts.view().n_nonzeros() / n_entries),
             100 * (1 - simulation.true_counts.view().n_nonzeros() / n_entries));
  for (std::size_t k = 0; k < generator.dropout_midpoint.size(); ++k) {
    fmt::print("dropout of {} {}: midpoint {:.3f}, shape {:.3f}\n",
               generator.dropout_type == DropoutType::group ? "group" : "batch", k + 1,
               generator.dropout_midpoint[k], generator.dropout_shape[k]);
  }
  fmt::print("writing to {}\n", folder);
  std::fflush(stdout);
}

void run(const CLI::App& command, const Arguments& arguments) {
#ifndef MASKCLASS_HAS_HDF5
  if (arguments.format == "h5ad") {
    throw usage_error("this program was built without HDF5: use --format mtx");
  }
#endif
  const SplatParameters parameters = parameters_of(command, arguments);
  const io::SimulationFileOptions files{arguments.format == "h5ad", arguments.force,
                                        arguments.scenario, arguments.seed};
  io::check_simulation_folder(arguments.folder, files);
  Console console(arguments.common.quiet, arguments.common.json());
  const Callbacks callbacks = console.callbacks();
  const int n_threads = arguments.common.thread_count();
  simulate::Simulation simulation =
      simulate::simulate(parameters, arguments.seed, n_threads, callbacks);
  if (!arguments.common.quiet) print_summary(simulation, arguments.folder);
  io::write_simulation(arguments.folder, std::move(simulation), files, callbacks);
}

}  // namespace

void add_simulate(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  SplatParameters& p = arguments->parameters;
  CLI::App* command = app.add_subcommand(
      "simulate", "Simulate counts with known truth (Splat; Zappia et al. 2017)");
  command->footer(kFooter);
  command->add_option("SCENARIO", arguments->scenario, "equal, unequal, rare or batch")
      ->required()
      ->check(CLI::IsMember({"equal", "unequal", "rare", "batch"}));
  command->add_option("-o,--output", arguments->folder, "Folder to write")
      ->required()
      ->type_name("DIR");
  command->add_option("--cells", p.n_cells, "Cells")->capture_default_str();
  command->add_option("--genes", p.n_genes, "Genes")->capture_default_str();
  add_seed_option(*command, arguments->seed, "Seed of all random numbers");
  add_values(*command, "--group-proportions", p.group_proportions,
             "Weights of the groups, comma-separated [of the scenario]");
  add_values(*command, "--batch-proportions", p.batch_proportions,
             "Sizes or weights of the batches, which are runs of cells, comma-separated [of the "
             "scenario]");
  const std::map<std::string, DropoutType> dropout_types{
      {"none", DropoutType::none}, {"group", DropoutType::group}, {"batch", DropoutType::batch}};
  command
      ->add_option("--dropout-type", p.dropout_type,
                   "What has a dropout curve: none, group or batch [of the scenario]")
      ->transform(CLI::CheckedTransformer(dropout_types).description(""))
      ->type_name("TEXT");
  const std::map<std::string, BatchTruth> batch_truths{{"coupled", BatchTruth::coupled},
                                                       {"independent", BatchTruth::independent}};
  command
      ->add_option("--batch-truth", p.batch_truth,
                   "Truth without batch effects: coupled (the same cells) or independent (drawn "
                   "again) [coupled]")
      ->transform(CLI::CheckedTransformer(batch_truths).description(""))
      ->type_name("TEXT");
  command->add_flag("--truth-with-batch-effects", arguments->truth_with_batch_effects,
                    "The truth keeps the batch effects");
  add_splat_options(*command, p);
  add_dropout_options(*command, p);
  command->add_option("--format", arguments->format, "h5ad, or mtx (10x directories)")
      ->check(CLI::IsMember({"h5ad", "mtx"}))
      ->capture_default_str();
  command->add_flag("--force", arguments->force, "Replace a simulation in DIR");
  add_common_options(*command, arguments->common);
  command->callback([command, arguments] { run(*command, *arguments); });
}

}  // namespace maskclass::cli
