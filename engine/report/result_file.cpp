#include "engine/report/result_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "engine/device/range.h"
#include "engine/error.h"
#include "engine/preprocess/normalise.h"

namespace maskclass::report {
namespace {

/// Cells of a block: whole batches of the network, about 8 million values.
std::int64_t cells_per_block(std::int64_t n_genes) {
  constexpr std::int64_t kValues = std::int64_t{1} << 23;
  constexpr std::int64_t kUnit = 32;
  return std::max(kUnit, kValues / std::max<std::int64_t>(1, n_genes) / kUnit * kUnit);
}

/// Puts the blocks of the network's genes into blocks of all genes, whose other entries are the
/// observed values.
class GeneSpread {
 public:
  GeneSpread(const Preprocessed& input, CsrView all_counts, int n_threads)
      : input_(input), all_counts_(all_counts), n_threads_(n_threads) {}

  /// `observed(count, cell)` is the value of a gene that was not denoised.
  template <typename ObservedValue>
  void spread(std::int64_t first_cell, std::int64_t n_cells, const std::vector<float>& narrow,
              std::vector<float>& wide, const ObservedValue& observed) const {
    const std::int64_t n_genes = all_counts_.n_genes;
    const std::int64_t n_narrow = static_cast<std::int64_t>(input_.genes.size());
#pragma omp parallel for num_threads(n_threads_)
    for (std::int64_t row = 0; row < n_cells; ++row) {
      const std::int64_t cell = first_cell + row;
      float* out = wide.data() + row * n_genes;
      std::fill_n(out, n_genes, 0.0f);
      const auto genes = all_counts_.row_indices(cell);
      const auto counts = all_counts_.row_values(cell);
      for (std::size_t k = 0; k < genes.size(); ++k) out[genes[k]] = observed(counts[k], cell);
      const float* in = narrow.data() + row * n_narrow;
      for (std::int64_t k = 0; k < n_narrow; ++k) out[input_.genes[k]] = in[k];
    }
  }

 private:
  const Preprocessed& input_;
  CsrView all_counts_;
  int n_threads_;
};

/// What a gene that was not denoised holds where it has a count.
enum class Undenoised { log2_value, count, nothing };

/// A result of cells x genes, from the engine to the writer.
struct DenseOutput {
  bool io::Outputs::*wanted;
  float* DenoisedBlock::*computed;
  const float* io::ResultBlock::*written;
  Undenoised undenoised;
};

constexpr std::array<DenseOutput, 6> kDenseOutputs = {{
    {&io::Outputs::log2, &DenoisedBlock::log2, &io::ResultBlock::log2, Undenoised::log2_value},
    {&io::Outputs::counts, &DenoisedBlock::counts, &io::ResultBlock::counts, Undenoised::count},
    {&io::Outputs::biozero, &DenoisedBlock::biozero, &io::ResultBlock::biozero,
     Undenoised::nothing},
    {&io::Outputs::sd, &DenoisedBlock::sd, &io::ResultBlock::sd, Undenoised::nothing},
    {&io::Outputs::q05, &DenoisedBlock::q05, &io::ResultBlock::q05, Undenoised::log2_value},
    {&io::Outputs::q95, &DenoisedBlock::q95, &io::ResultBlock::q95, Undenoised::log2_value},
}};

std::int64_t n_dense(const io::Outputs& outputs) {
  return std::count_if(kDenseOutputs.begin(), kDenseOutputs.end(),
                       [&](const DenseOutput& output) { return outputs.*output.wanted; });
}

/// The memory of one output's blocks: of the genes denoised, and of all genes where those are
/// written.
struct DenseBlock {
  DenseOutput output;
  std::vector<float> narrow;
  std::vector<float> wide;
};

template <typename T, typename Index>
std::vector<T> pick(const std::vector<T>& values, const std::vector<Index>& at) {
  std::vector<T> result;
  if (values.empty()) return result;
  result.reserve(at.size());
  for (const Index index : at) result.push_back(values[index]);
  return result;
}

/// Throws where one of the [n_cells][width] values is infinite or NaN: a diverged training.
/// `values` may be empty, or longer.
void check_finite(const std::vector<float>& values, std::int64_t width, std::int64_t first_cell,
                  std::int64_t n_cells, const std::vector<std::string>& cell_names) {
  const std::int64_t n_values = values.empty() ? 0 : n_cells * width;
  bool all_finite = true;
  for (std::int64_t k = 0; k < n_values; ++k) {
    all_finite &= std::fabs(values[k]) <= std::numeric_limits<float>::max();
  }
  if (all_finite) return;
  const auto bad = std::find_if_not(values.begin(), values.begin() + n_values,
                                    [](float value) { return std::isfinite(value); });
  throw data_error("the result of cell '" +
                   cell_names[first_cell + (bad - values.begin()) / width] +
                   "' is not a finite number: the training diverged; lower --lr");
}

std::vector<std::pair<std::string, std::vector<double>>> loss_columns(
    std::span<const EpochLoss> history) {
  std::vector<double> masked, biozero;
  for (const EpochLoss& loss : history) {
    masked.push_back(loss.masked);
    biozero.push_back(loss.biozero);
  }
  return {{"masked_loss", std::move(masked)}, {"biozero_loss", std::move(biozero)}};
}

/// Which genes were chosen and their ranks, for the genes that are written.
void describe_selection(const Preprocessed& input, io::ResultHeader& header) {
  if (!input.variances) return;
  const float not_chosen = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> rank_of(static_cast<std::size_t>(header.source_genes.back()) + 1, not_chosen);
  for (std::size_t k = 0; k < input.passed_genes.size(); ++k) {
    const std::size_t gene = input.passed_genes[k];
    const std::int32_t rank = input.variances->genes[k].rank;
    if (rank >= 0 && gene < rank_of.size()) rank_of[gene] = static_cast<float>(rank);
  }
  for (const std::int64_t gene : header.source_genes) {
    header.hvg_rank.push_back(rank_of[gene]);
    header.highly_variable.push_back(rank_of[gene] >= 0);
  }
}

io::ResultHeader make_header(const Denoiser& denoiser, const io::Dataset& dataset,
                             const ResultFileOptions& options) {
  const Preprocessed& input = denoiser.input();
  io::ResultHeader header;
  header.outputs = options.outputs;
  header.source_cells = input.cells;
  if (options.all_genes) {
    header.source_genes.resize(dataset.counts.n_genes);
    std::iota(header.source_genes.begin(), header.source_genes.end(), 0);
    header.denoised.assign(header.source_genes.size(), 0);
    for (const std::int32_t gene : input.genes) header.denoised[gene] = 1;
  } else {
    header.source_genes.assign(input.genes.begin(), input.genes.end());
    header.denoised.assign(header.source_genes.size(), 1);
  }
  header.cell_names = pick(dataset.cell_names, header.source_cells);
  header.gene_names = pick(dataset.gene_names, header.source_genes);
  header.gene_symbols = pick(dataset.gene_symbols, header.source_genes);
  header.gene_ids = pick(dataset.gene_ids, header.source_genes);
  header.gene_genomes = pick(dataset.gene_genomes, header.source_genes);
  header.cell_inputs = pick(dataset.cell_inputs, header.source_cells);
  header.inputs = dataset.inputs;
  header.compression = options.compression;
  header.library_size = input.library_sizes;
  header.latent_width = denoiser.latent_width();
  describe_selection(input, header);
  header.source = dataset.path;
  header.source_is_h5ad = dataset.format == io::FileFormat::h5ad;
  header.source_matrix = dataset.matrix;
  header.parameters_json = options.parameters_json;
  header.history = loss_columns(denoiser.history());
  return header;
}

}  // namespace

void write_results(Denoiser& denoiser, const io::Dataset& dataset,
                   const std::vector<std::filesystem::path>& paths,
                   const ResultFileOptions& options, int n_threads, const Callbacks& callbacks) {
  const ProfilerRange range("write");
  const Preprocessed& input = denoiser.input();
  CsrMatrix all_counts;
  io::ResultHeader header = make_header(denoiser, dataset, options);
  header.counts = input.counts.view();
  if (options.all_genes) {
    header.counts = dataset.counts.view();
    if (header.counts.n_cells != input.counts.n_cells) {  // Cells were dropped.
      const std::vector<std::int32_t> genes(header.source_genes.begin(), header.source_genes.end());
      all_counts = select(header.counts, input.cells, genes, n_threads);
      header.counts = all_counts.view();
    }
  }
  const std::int64_t n_cells = header.counts.n_cells;
  const std::int64_t n_genes = header.counts.n_genes;
  const std::int64_t n_narrow = input.counts.n_genes;
  const std::int64_t block = std::min(n_cells, cells_per_block(n_genes));
  const GeneSpread genes(input, header.counts, n_threads);

  const auto writer = io::open_result_writers(paths, header);
  for (const std::string& name : writer->left_out()) {
    log_line(callbacks, "not carried over from the input: " + name);
  }
  std::vector<float> latent(options.outputs.latent ? block * header.latent_width : 0);
  std::vector<DenseBlock> dense;
  for (const DenseOutput& output : kDenseOutputs) {
    if (!(options.outputs.*output.wanted)) continue;
    dense.push_back({output, std::vector<float>(block * n_narrow),
                     std::vector<float>(options.all_genes ? block * n_genes : 0)});
  }

  Progress progress;
  progress.stage = "write";
  progress.unit = "cells";
  progress.total = n_cells;
  for (std::int64_t first = 0; first < n_cells; first += block) {
    const std::int64_t n = std::min(block, n_cells - first);
    DenoisedBlock computed;
    io::ResultBlock written;
    written.first_cell = first;
    written.n_cells = n;
    if (!latent.empty()) written.latent = computed.latent = latent.data();
    for (DenseBlock& one : dense) computed.*one.output.computed = one.narrow.data();
    denoiser.compute(first, n, computed);
    check_finite(latent, header.latent_width, first, n, header.cell_names);
    for (DenseBlock& one : dense) {
      check_finite(one.narrow, n_narrow, first, n, header.cell_names);
      written.*one.output.written = options.all_genes ? one.wide.data() : one.narrow.data();
    }
    if (options.all_genes) {
      const auto observed_log2 = [&](float count, std::int64_t cell) {
        return log_normalised(count, input.size_factors[cell]);
      };
      const auto observed_count = [](float count, std::int64_t /*cell*/) { return count; };
      const auto nothing = [](float /*count*/, std::int64_t /*cell*/) { return 0.0f; };
      for (DenseBlock& one : dense) {
        switch (one.output.undenoised) {
          case Undenoised::log2_value:
            genes.spread(first, n, one.narrow, one.wide, observed_log2);
            break;
          case Undenoised::count:
            genes.spread(first, n, one.narrow, one.wide, observed_count);
            break;
          case Undenoised::nothing:
            genes.spread(first, n, one.narrow, one.wide, nothing);
            break;
        }
      }
    }
    writer->write(written);
    progress.done = first + n;
    report_progress(callbacks, progress);
  }
  writer->close();
  std::vector<io::AtomicPath*> files = writer->files();
  if (options.also != nullptr) files.push_back(options.also);
  io::finish_all(files);
}

std::int64_t result_bytes(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_nonzeros,
                          std::int64_t latent, const io::Outputs& outputs) {
  return n_nonzeros * 8 +
         n_cells * (n_genes * n_dense(outputs) + (outputs.latent ? latent : 0)) * 4 + n_cells * 16;
}

std::int64_t block_bytes(std::int64_t n_cells, std::int64_t n_genes, std::int64_t n_denoised,
                         const io::Outputs& outputs) {
  const std::int64_t n_columns = n_genes == n_denoised ? n_genes : n_genes + n_denoised;
  return std::min(n_cells, cells_per_block(n_genes)) * n_columns * n_dense(outputs) * 4;
}

}  // namespace maskclass::report
