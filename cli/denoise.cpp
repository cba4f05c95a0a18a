#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>
#include <utility>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/denoise_options.h"
#include "cli/progress_line.h"
#include "engine/counted.h"
#include "engine/denoise.h"
#include "engine/device/range.h"
#include "engine/error.h"
#include "engine/io/atomic_file.h"
#include "engine/io/gene_list.h"
#include "engine/report/model_file.h"
#include "engine/report/result_file.h"

namespace maskclass::cli {
namespace {

const char* const kDenoiseExamples = R"(
Examples:
  maskclass denoise filtered_feature_bc_matrix/ -o denoised.h5ad
  maskclass denoise counts.h5ad --layer counts --n-top-genes 2000 -o denoised.h5ad
  maskclass denoise sample1.h5 sample2.h5 --batch-key input -o denoised.h5ad
  maskclass denoise counts.loom -o denoised.h5ad -o denoised.csv.gz -o for_seurat/
  maskclass denoise counts.csv.gz --variant best --outputs log2 -o denoised.csv.gz
  maskclass denoise counts.h5ad -o denoised.h5ad --dry-run

In an .h5ad, X holds the counts, layers["maskclass"] the denoised log2 values, layers["denoised"]
the same as counts, obsm["X_maskclass"] the latent, layers["biozero"] the probability that a zero
is biological and layers["maskclass_sd"], ["maskclass_q05"] and ["maskclass_q95"] the spread of the
log2 values; uns["maskclass"] the parameters and the loss of every epoch.
)";

std::int64_t peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

std::string megabytes(std::int64_t bytes) {
  return with_thousands(static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) / 1e6)));
}

/// Two lines: which GPU and driver, and its memory.
void print_gpu_plan(const ComputeDevice& device) {
  const std::string why =
      device.driver_reason.empty() ? "" : fmt::format(" ({})", device.driver_reason);
  fmt::print("device  {}, {} driver{}, {}\n", device_text(device), driver_name(device.driver), why,
             precision_name(device.precision));
  fmt::print("gpu     {} MB of its {} MB of free memory; the data set {}\n",
             megabytes(static_cast<std::int64_t>(device.device_bytes)),
             megabytes(static_cast<std::int64_t>(device.free_bytes)),
             device.resident ? "lies on it" : "streams through it");
}

/// At most what an .h5ad input passes on to the output.
std::int64_t carried_bytes(const io::Dataset& dataset) {
  if (dataset.format != io::FileFormat::h5ad) return 0;
  std::error_code ignored;
  const auto size = std::filesystem::file_size(dataset.path, ignored);
  return ignored ? 0 : static_cast<std::int64_t>(size);
}

/// Trains for a second, and says what the whole job would take.
void dry_run(const DenoiseCommand& command, const io::Dataset& dataset, Denoiser& denoiser) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kTrial{1};
  const Clock::time_point start = Clock::now();
  double share_done = 1;
  Callbacks callbacks;
  callbacks.progress = [&](const Progress& progress) {
    if (progress.total > 0) {
      share_done = static_cast<double>(progress.done) / static_cast<double>(progress.total);
    }
    return Clock::now() - start < kTrial && !InterruptGuard::is_interrupted();
  };
  try {
    denoiser.train(callbacks);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::cancelled || InterruptGuard::is_interrupted()) throw;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  const std::int64_t n_genes = command.all_genes ? dataset.counts.n_genes : denoiser.n_genes();
  const std::int64_t n_nonzeros = command.all_genes ? dataset.counts.view().n_nonzeros()
                                                    : denoiser.input().counts.view().n_nonzeros();
  const io::Outputs outputs = command.wanted_outputs();
  fmt::print("input   {} cells x {} genes, {} non-zeros\n", with_thousands(dataset.counts.n_cells),
             with_thousands(dataset.counts.n_genes),
             with_thousands(dataset.counts.view().n_nonzeros()));
  fmt::print("output  {} cells x {} genes, {} of them denoised\n",
             with_thousands(denoiser.n_cells()), with_thousands(n_genes),
             with_thousands(denoiser.n_genes()));
  fmt::print("memory  {} MB at the peak\n",
             megabytes(peak_memory_bytes() + report::block_bytes(denoiser.n_cells(), n_genes,
                                                                 denoiser.n_genes(), outputs)));
  fmt::print("disk    {} MB as .h5ad\n",
             megabytes(report::result_bytes(denoiser.n_cells(), n_genes, n_nonzeros,
                                            denoiser.latent_width(), outputs) +
                       carried_bytes(dataset)));
  const ComputeDevice& device = denoiser.device();
  if (device.kind == Device::cuda) print_gpu_plan(device);
  const std::string where = device.kind == Device::cuda
                                ? "on the GPU"
                                : fmt::format("with {} threads", command.common.thread_count());
  fmt::print("time    {} of training {}\n", duration_text(seconds / std::max(share_done, 1e-9)),
             where);
}

void check_paths(const DenoiseCommand& command) {
  if (command.output.empty()) {
    if (command.dry_run) return;
    throw usage_error("--output is required (or --dry-run)");
  }
  for (const std::string& output : command.output) {
    check_output_is_not_input(command.input.paths, output);
  }
  std::vector<std::filesystem::path> written =
      io::check_result_paths(command.output_paths(), command.wanted_outputs());
  if (!command.save_model.empty()) {
    const io::AtomicPath model(command.save_model, io::AtomicPath::Kind::file);
    const auto is_model = [&](const std::filesystem::path& path) {
      return weakly_canonical(absolute(path)) == weakly_canonical(absolute(model.path()));
    };
    if (std::any_of(written.begin(), written.end(), is_model)) {
      throw usage_error("--output and --save-model name the same file: " + command.save_model);
    }
    written.push_back(model.path());
  }
  for (const std::filesystem::path& path : written) {
    check_output_is_not_input(command.input.paths, path.string());
    check_output_is_not_input({command.genes_file, command.input.cells_file}, path.string());
  }
}

/// The model under its temporary name; null where none is to be saved.
std::unique_ptr<io::AtomicPath> write_model(const DenoiseCommand& command,
                                            const io::Dataset& dataset, const Denoiser& denoiser,
                                            const std::string& parameters) {
  if (command.save_model.empty()) return nullptr;
  std::vector<std::string> genes;
  for (const std::int32_t gene : denoiser.input().genes) genes.push_back(dataset.gene_names[gene]);
  auto file = std::make_unique<io::AtomicPath>(command.save_model, io::AtomicPath::Kind::file);
  report::write_model(*file, denoiser.parameters(), genes, parameters);
  return file;
}

void run_denoise(const DenoiseCommand& command) {
  Console console(command.common.quiet, command.common.json());
  const io::Outputs outputs = command.wanted_outputs();
  check_options(command.engine_options());
  if (outputs.sd || outputs.q05 || outputs.q95) check_spread(command.engine_options());
  if (command.engine.ensemble > 1 && !command.save_model.empty()) {
    throw usage_error("--save-model holds one network: leave out --ensemble");
  }
  check_paths(command);
  const Callbacks callbacks = console.callbacks();
  const int n_threads = command.common.thread_count();

  Input input = [&] {
    const ProfilerRange range("read");
    return read_input(command.input, n_threads, callbacks);
  }();
  io::Dataset& dataset = input.dataset;
  DenoiseOptions options = command.engine_options();
  options.preprocess.batch_of = std::move(input.batch_of);
  options.preprocess.batch_names = std::move(input.batch_names);
  if (!command.genes_file.empty()) {
    options.preprocess.genes = io::read_gene_list(command.genes_file, dataset);
  }
  Denoiser denoiser(dataset.counts.view(), options, dataset.cell_names, callbacks);
  if (command.dry_run) {
    dry_run(command, dataset, denoiser);
    return;
  }
  if (!command.all_genes) dataset.counts = {};  // What is needed of them, the denoiser holds.
  denoiser.train(callbacks);

  const std::string parameters =
      result_parameters(command, denoiser)
          .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const auto model = write_model(command, dataset, denoiser, parameters);
  report::write_results(
      denoiser, dataset, command.output_paths(),
      {command.wanted_outputs(), command.all_genes, parameters, command.compression, model.get()},
      n_threads, callbacks);
  for (const std::string& output : command.output) console.note("wrote " + output);
  if (model) console.note("saved the network: " + command.save_model);
}

}  // namespace

void add_denoise(CLI::App& app) {
  CLI::App* command = app.add_subcommand("denoise", "Fill in the counts that dropout lost");
  const auto options = std::make_shared<DenoiseCommand>();
  command->footer(kDenoiseExamples);
  add_denoise_options(*command, *options);
  command->callback([options] { run_denoise(*options); });
}

}  // namespace maskclass::cli
