#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/common_options.h"
#include "cli/input_options.h"
#include "engine/denoise.h"
#include "engine/io/result_writer.h"

namespace maskclass::cli {

/// What the user asked of `denoise`.
struct DenoiseCommand {
  InputOptions input;
  CommonOptions common;
  std::vector<std::string> output;
  int compression = 0;
  std::string genes_file;
  bool all_genes = false;
  std::vector<std::string> outputs{"log2", "counts", "latent"};
  std::string save_model;
  bool dry_run = false;

  std::string variant = "balanced";
  double gamma = -1;  ///< Below 0: what the variant says.
  std::string biozero = "moments";
  std::string observed = "keep";
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N
  std::string cuda_driver = "auto";
  std::string precision = "fp32";
  DenoiseOptions engine;

  std::vector<std::filesystem::path> output_paths() const { return {output.begin(), output.end()}; }
  io::Outputs wanted_outputs() const;
  /// The options of the engine, but for the genes of --genes-file.
  DenoiseOptions engine_options() const;
};

/// Adds every option of `denoise`; `command` must outlive the parsing and the command.
void add_denoise_options(CLI::App& app, DenoiseCommand& command);

/// All that decides the result, and nothing that does not (such as the number of threads), as one
/// flat object: kept with the results, together with what the job ran on and what the calibrated
/// variant found. `denoiser` is trained.
nlohmann::ordered_json result_parameters(const DenoiseCommand& command, const Denoiser& denoiser);

}  // namespace maskclass::cli
