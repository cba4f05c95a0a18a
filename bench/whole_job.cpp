// Where does the time of a whole job go? Does what `maskclass denoise INPUT -o OUTPUT` does, and
// prints seconds and peak memory of each stage.
//
//   bench_whole_job INPUT OUTPUT.h5ad [epochs = 300] [threads = 2] [genes = 0: all] [latent]
//
// With `latent` only the latent is written: what remains when a job's outputs are small.

#include <fmt/core.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "engine/denoise.h"
#include "engine/io/reader.h"
#include "engine/report/result_file.h"

namespace {

using namespace maskclass;

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Seconds a stage; a stage ends where the next begins.
class Stages {
 public:
  void begin(std::string name) {
    const Clock::time_point now = Clock::now();
    if (!name_.empty()) {
      fmt::print("{:<16} {:9.3f} s {:9.1f} MB\n", name_,
                 std::chrono::duration<double>(now - start_).count(), peak_megabytes());
    }
    name_ = std::move(name);
    start_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string name_;
  Clock::time_point start_;
};

void run(const std::string& input, const std::string& output, int n_epochs, int n_threads,
         int n_genes, bool latent_only) {
  Stages stages;
  stages.begin("read");
  io::ReadOptions read;
  read.n_threads = n_threads;
  io::Dataset dataset = io::read_counts(input, read);

  DenoiseOptions options;
  options.n_epochs = n_epochs;
  options.n_threads = n_threads;
  options.preprocess.n_top_genes = n_genes;
  options.preprocess.drop_empty_cells = true;
  options.device.kind = Device::cpu;
  Callbacks callbacks;
  callbacks.progress = [&](const Progress& progress) {
    if (progress.stage == "prepare") {
      stages.begin(progress.detail.empty() ? "biozero" : progress.detail);
    }
    return true;
  };
  Denoiser denoiser(dataset.counts.view(), options, dataset.cell_names, callbacks);
  dataset.counts = {};
  stages.begin("train");
  denoiser.train();
  stages.begin("results, write");
  io::Outputs outputs;
  outputs.log2 = outputs.counts = !latent_only;
  outputs.latent = true;
  report::write_results(denoiser, dataset, {output}, {outputs, false, "{}", 0, nullptr}, n_threads,
                        {});
  stages.begin("");
  fmt::print("{} cells x {} genes\n", denoiser.n_cells(), denoiser.n_genes());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: {} INPUT OUTPUT.h5ad [EPOCHS] [THREADS] [GENES] [latent]\n",
               argv[0]);
    return 2;
  }
  const auto number = [&](int k, int otherwise) {
    return argc > k ? std::atoi(argv[k]) : otherwise;
  };
  try {
    run(argv[1], argv[2], number(3, 300), number(4, 2), number(5, 0), argc > 6);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
