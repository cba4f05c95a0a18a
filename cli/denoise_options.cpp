#include "cli/denoise_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/device_option.h"

namespace maskclass::cli {

namespace {

DeviceOptions device_options(const DenoiseCommand& command) {
  DeviceOptions options = device_of(command.device);
  if (command.cuda_driver == "graph") options.driver = CudaDriver::graph;
  if (command.cuda_driver == "persistent") options.driver = CudaDriver::persistent;
  if (command.precision == "tf32") options.precision = Precision::tf32;
  return options;
}

}  // namespace

io::Outputs DenoiseCommand::wanted_outputs() const {
  const auto has = [&](const char* name) {
    return std::find(outputs.begin(), outputs.end(), name) != outputs.end();
  };
  return {has("log2"), has("counts"), has("latent"), has("biozero"),
          has("sd"),   has("q05"),    has("q95")};
}

DenoiseOptions DenoiseCommand::engine_options() const {
  DenoiseOptions options = engine;
  options.preprocess.min_cells = input.min_cells;
  options.preprocess.drop_empty_cells = input.drop_empty_cells;
  const double variant_gamma = variant == "balanced" ? 1 : 0;
  options.training.biozero_weight = static_cast<float>(gamma < 0 ? variant_gamma : gamma);
  options.calibrated = variant == "calibrated";
  if (biozero == "calibrated") options.biozero = BiozeroEstimator::calibrated;
  if (observed == "replace") options.observed = Observed::replace;
  if (observed == "posterior") options.observed = Observed::posterior;
  if (observed == "replicate") options.observed = Observed::replicate;
  options.device = device_options(*this);
  options.n_threads = common.thread_count();
  return options;
}

namespace {

void add_device_options(CLI::App& app, DenoiseCommand& command) {
  add_device_option(app, command.device);
  app.add_option("--cuda-driver", command.cuda_driver,
                 "What replays a training step on a GPU: graph, persistent, or auto, which takes "
                 "the persistent one where it fits")
      ->check(CLI::IsMember({"auto", "graph", "persistent"}));
  app.add_option("--precision", command.precision,
                 "fp32, or tf32 for the wide layers on a GPU's tensor cores")
      ->check(CLI::IsMember({"fp32", "tf32"}));
}

void add_what_is_done(CLI::App& app, DenoiseCommand& command) {
  app.add_option(
         "-o,--output", command.output,
         "Where the results go: .h5ad, a folder of 10x directories (a name without ending), "
         "10x .h5, .mtx[.gz], .csv/.tsv[.gz] or .npy; may be given several times")
      ->allow_extra_args(false)
      ->default_str("");
  app.add_option(
         "--variant", command.variant,
         "balanced (gamma = 1) pulls likely biological zeros to zero, best (gamma = 0) "
         "does not; calibrated trains as best does and puts at zeros what a model of counts "
         "and dropout, fitted to clusters of the latent, expects there")
      ->check(CLI::IsMember({"best", "balanced", "calibrated"}));
  app.add_option("--biozero", command.biozero,
                 "Who says in training how likely a zero is biological: the paper's moments of "
                 "non-zero counts, or the calibrated model of zeros and non-zeros")
      ->check(CLI::IsMember({"moments", "calibrated"}));
  app.add_option(
         "--outputs", command.outputs,
         "Results to write, separated by commas; sd, q05 and q95 say how uncertain log2 is, "
         "with --ensemble or --variant calibrated")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"log2", "counts", "latent", "biozero", "sd", "q05", "q95"}));
  app.add_option(
         "--observed", command.observed,
         "Observed non-zeros keep their value, or the network's value replaces it; posterior "
         "(with --variant calibrated) normalises them by the library sizes before dropout; "
         "replicate "
         "(likewise) makes every value what a second measurement of the cell would show on average")
      ->check(CLI::IsMember({"keep", "replace", "posterior", "replicate"}));
  app.add_flag("--all-genes", command.all_genes,
               "Write every gene; those not denoised hold their observed values");
  app.add_option("--compression", command.compression,
                 "gzip's level for the matrices of .h5ad and .h5, 1 to 9; 0 = none")
      ->check(CLI::Range(0, 9));
  app.add_option("--save-model", command.save_model, "FILE.safetensors for the trained network");
  add_seed_option(app, command.engine.training.seed, "Seed of all random numbers");
  app.add_option("--ensemble", command.engine.ensemble,
                 "Networks to train, with seeds from --seed up; values are the means of theirs");
  add_device_options(app, command);
  app.add_flag("--dry-run", command.dry_run,
               "Only say what the job will take: shape, memory, disk and time");
}

void add_gene_options(CLI::App& app, DenoiseCommand& command) {
  PreprocessOptions& options = command.engine.preprocess;
  CLI::Option* n_top =
      app.add_option("--n-top-genes", options.n_top_genes,
                     "Denoise this many highly variable genes (ranked as scran does); 0 = all")
          ->check(CLI::NonNegativeNumber)
          ->group("Genes");
  app.add_option("--genes-file", command.genes_file,
                 "Denoise the genes that this file names, one a line")
      ->excludes(n_top)
      ->group("Genes");
  app.add_option("--low-quantile", options.quantiles.low, "A gene's values are cut off below it")
      ->group("Genes");
  app.add_option("--high-quantile", options.quantiles.high, "... and above it")->group("Genes");
}

void add_network_options(CLI::App& app, DenoiseCommand& command) {
  const char* const group = "Network and training (defaults are the paper's)";
  DenoiseOptions& options = command.engine;
  TrainingOptions& training = options.training;
  app.add_option("--epochs", options.n_epochs, "Passes over all cells")->group(group);
  app.add_flag("--early-stop", options.early_stop,
               "End the training where it no longer helps with 5 % of the entries, which are set "
               "aside, and take the best network")
      ->default_str("")
      ->group(group);
  app.add_option("--batch-size", training.batch_size, "Cells a step")->group(group);
  app.add_option("--lr", training.learning_rate, "Adam's learning rate")->group(group);
  app.add_option("--hidden", options.hidden, "Width of the hidden layers")->group(group);
  app.add_option("--latent", options.latent, "Width of the bottleneck")->group(group);
  app.add_option("--mask-nonzero", training.mask_nonzero, "Probability of masking a non-zero")
      ->group(group);
  app.add_option("--mask-zero", training.mask_zero,
                 "Probability of masking a zero, times its biozero probability")
      ->group(group);
  app.add_option("--noise", training.noise,
                 "Masked zeros become up to this share of the gene's largest count (nu)")
      ->group(group);
  app.add_option("--weight-zero", training.zero_weight,
                 "Weight of masked zeros in the loss (w_bio)")
      ->group(group);
  app.add_option("--weight-nonzero", training.nonzero_weight,
                 "Weight of masked non-zeros in the loss (w_nz)")
      ->group(group);
  app.add_option("--gamma", command.gamma,
                 "Weight of the biozero regulariser, instead of the "
                 "variant's")
      ->check(CLI::NonNegativeNumber)
      ->default_str("")
      ->group(group);
  app.add_option("--alpha", options.alpha,
                 "How much the sparsest cells' biozero probability shrinks")
      ->group(group);
  app.add_option("--beta1", training.beta1, "Adam's decay of the mean gradient")->group(group);
  app.add_option("--beta2", training.beta2, "Adam's decay of the mean square")->group(group);
  app.add_option("--adam-epsilon", training.epsilon, "Adam's epsilon")->group(group);
  app.add_flag("!--no-clamp", options.clamp, "Let denoised log2 values be negative")
      ->default_str("")
      ->group(group);
}

}  // namespace

void add_denoise_options(CLI::App& app, DenoiseCommand& command) {
  app.option_defaults()->always_capture_default();
  add_input_options(app, command.input);
  add_cell_options(app, command.input);
  add_what_is_done(app, command);
  add_gene_options(app, command);
  add_network_options(app, command);
  add_common_options(app, command.common);
}

namespace {

/// What the calibrated variant found: of an ensemble a text, with a value a network.
void add_calibration(const Denoiser& denoiser, nlohmann::ordered_json& json) {
  const calibrated::Calibration* first = denoiser.calibration();
  if (first == nullptr) return;
  json["calibrated_clusters"] = first->choice.n_clusters;
  json["calibrated_zero_inflated"] = first->choice.zero_inflated;
  json["calibrated_expression_share"] = first->choice.expression_share;
  json["calibrated_network_weight"] = first->zeros.network_weight();
  for (std::int32_t member = 1; const auto* found = denoiser.calibration(member); ++member) {
    const auto append = [&](const char* name, const nlohmann::json& value) {
      auto& field = json[name];
      field = (field.is_string() ? field.get<std::string>() : field.dump()) + ", " + value.dump();
    };
    append("calibrated_clusters", found->choice.n_clusters);
    append("calibrated_zero_inflated", found->choice.zero_inflated);
    append("calibrated_expression_share", found->choice.expression_share);
    append("calibrated_network_weight", found->zeros.network_weight());
  }
}

}  // namespace

nlohmann::ordered_json result_parameters(const DenoiseCommand& command, const Denoiser& denoiser) {
  const ComputeDevice& device = denoiser.device();
  const DenoiseOptions options = command.engine_options();
  const TrainingOptions& training = options.training;
  // Without the folder: results do not depend on where files lie. "folder/" is named "folder".
  const auto name_of = [](const std::string& path) {
    const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
    return (normal.has_filename() ? normal : normal.parent_path()).filename().string();
  };
  // float32 values as the shortest decimal that gives them back, not as their double expansion.
  const auto decimal = [](float value) { return std::stod(fmt::format("{}", value)); };
  nlohmann::ordered_json json;
  json["version"] = MASKCLASS_VERSION;
  std::string inputs;
  for (const std::string& path : command.input.paths) {
    inputs += (inputs.empty() ? "" : ", ") + name_of(path);
  }
  json["input"] = inputs;
  json["layer"] = command.input.layer;
  json["variant"] = command.variant;
  json["biozero"] = command.biozero;
  json["seed"] = training.seed;
  json["ensemble"] = options.ensemble;
  json["min_cells"] = options.preprocess.min_cells;
  json["drop_empty_cells"] = options.preprocess.drop_empty_cells;
  json["allow_non_integer"] = command.input.allow_non_integer;
  json["orientation"] = command.input.orientation;
  if (!command.input.genome.empty()) json["genome"] = command.input.genome;
  if (!command.input.batch_key.empty()) json["batch_key"] = command.input.batch_key;
  if (command.genes_file.empty()) {
    json["n_top_genes"] = options.preprocess.n_top_genes;
  } else {
    json["genes_file"] = name_of(command.genes_file);
  }
  json["low_quantile"] = options.preprocess.quantiles.low;
  json["high_quantile"] = options.preprocess.quantiles.high;
  json["hidden"] = options.hidden;
  json["latent"] = options.latent;
  json["epochs"] = options.n_epochs;
  json["early_stop"] = options.early_stop;
  json["batch_size"] = training.batch_size;
  json["lr"] = training.learning_rate;
  json["beta1"] = training.beta1;
  json["beta2"] = training.beta2;
  json["adam_epsilon"] = training.epsilon;
  json["mask_zero"] = decimal(training.mask_zero);
  json["mask_nonzero"] = training.mask_nonzero;
  json["noise"] = decimal(training.noise);
  json["weight_zero"] = decimal(training.zero_weight);
  json["weight_nonzero"] = decimal(training.nonzero_weight);
  json["gamma"] = decimal(training.biozero_weight);
  json["alpha"] = options.alpha;
  json["observed"] = command.observed;
  json["clamp"] = options.clamp;
  add_calibration(denoiser, json);
  if (device.kind == Device::cpu) {
    json["device"] = "cpu";
  } else {
    json["device"] = "cuda";
    json["gpu"] = device.gpu.name;
    json["gpu_compute_capability"] = device.gpu.capability();
    json["gpu_memory_bytes"] = device.device_bytes;
    json["cuda_driver"] = driver_name(device.driver);
    json["precision"] = precision_name(device.precision);
  }
  return json;
}

}  // namespace maskclass::cli
