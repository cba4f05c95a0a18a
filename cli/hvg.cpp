#include <fmt/format.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/console.h"
#include "cli/input_options.h"
#include "engine/counted.h"
#include "engine/error.h"
#include "engine/io/atomic_file.h"
#include "engine/matrix/csr.h"
#include "engine/preprocess/filter.h"
#include "engine/preprocess/highly_variable.h"
#include "engine/preprocess/normalise.h"

namespace maskclass::cli {
namespace {

struct HvgOptions {
  InputOptions input;
  CommonOptions common;
  std::string output;
  int n_top_genes = 1000;
};

/// One line a gene that passed the filter, in input order.
std::string table_of(const io::Dataset& dataset, const std::vector<std::int32_t>& columns,
                     const HvgResult& result) {
  const bool has_symbols = !dataset.gene_symbols.empty();
  fmt::memory_buffer text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "gene\t{}mean\ttotal\ttech\tbio\trank\n", has_symbols ? "symbol\t" : "");
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const GeneVariance& gene = result.genes[k];
    fmt::format_to(out, "{}\t", dataset.gene_names[columns[k]]);
    if (has_symbols) fmt::format_to(out, "{}\t", dataset.gene_symbols[columns[k]]);
    fmt::format_to(out, "{:.9g}\t{:.9g}\t{:.9g}\t{:.9g}\t", gene.mean, gene.total, gene.technical,
                   gene.biological);
    if (gene.rank >= 0) fmt::format_to(out, "{}", gene.rank + 1);
    fmt::format_to(out, "\n");
  }
  return fmt::to_string(text);
}

std::string rank_genes(const HvgOptions& options) {
  Console console(options.common.quiet, options.common.json());
  const Callbacks callbacks = console.callbacks();
  const int n_threads = options.common.thread_count();
  const Input input = read_input(options.input, n_threads, callbacks);
  const io::Dataset& dataset = input.dataset;
  const Kept kept = filter_genes_and_cells(dataset.counts.view(), options.input.min_cells,
                                           options.input.drop_empty_cells, dataset.cell_names,
                                           n_threads, callbacks);
  const CsrPart passed(dataset.counts.view(), kept.cells, kept.genes);
  const LibrarySizes libraries = library_sizes_of(passed, n_threads);
  const HvgResult result = rank_highly_variable_genes(passed, libraries.sizes,
                                                      batches_of_cells(input.batch_of, kept.cells),
                                                      options.n_top_genes, n_threads);
  log_line(callbacks, "ranked " + counted(static_cast<std::int64_t>(result.top.size()),
                                          "highly variable gene"));
  return table_of(dataset, kept.genes, result);
}

[[noreturn]] void throw_write_error(const std::string& where) {
  throw data_error("cannot write " + where + ": " + std::strerror(errno));
}

void write_to_stdout(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw_write_error("to standard output");
  }
}

void write_to_file(const std::string& text, io::AtomicPath& file) {
  const bool packed = file.path().extension() == ".gz";
  // zlib's mode T writes plain text.
  std::unique_ptr<gzFile_s, int (*)(gzFile)> out(
      gzopen(file.temporary().c_str(), packed ? "wb" : "wbT"), gzclose);
  if (!out || gzfwrite(text.data(), 1, text.size(), out.get()) != text.size() ||
      gzclose(out.release()) != Z_OK) {
    throw_write_error(file.path().string());
  }
  file.finish();
}

void check_output(const HvgOptions& options) {
  const std::string& output = options.output;
  if (!output.ends_with(".tsv") && !output.ends_with(".tsv.gz")) {
    throw usage_error("the output " + output + " must end in .tsv or .tsv.gz");
  }
  check_output_is_not_input(options.input.paths, output);
}

void run_hvg(const HvgOptions& options) {
  if (options.output.empty()) {
    write_to_stdout(rank_genes(options));
    return;
  }
  check_output(options);
  // Opened first, so that a folder that cannot be written to is found before the work.
  io::AtomicPath file(options.output, io::AtomicPath::Kind::file);
  write_to_file(rank_genes(options), file);
}

const char* const kHvgExamples = R"(
Columns: gene, symbol (where the input has one), mean and total variance of log2 values, its
technical (trend) and biological part, and the rank from 1, empty where not chosen. Only genes with
positive biological variance are chosen, so there may be fewer than asked for.

Examples:
  maskclass hvg filtered_feature_bc_matrix/ -o hvg.tsv
  maskclass hvg counts.h5ad --layer counts --n-top-genes 2000 -o hvg.tsv.gz
  maskclass hvg counts.csv.gz --orientation genes-are-rows | sort -t$'\t' -k6,6gr | head
)";

}  // namespace

void add_hvg(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("hvg", "Rank genes by biological variance, as scran does, as a table");
  const auto options = std::make_shared<HvgOptions>();
  command->footer(kHvgExamples);
  command->option_defaults()->always_capture_default();
  add_input_options(*command, options->input);
  add_cell_options(*command, options->input);
  command->add_option("-o,--output", options->output,
                      "FILE.tsv or FILE.tsv.gz to write; standard output where not given");
  command->add_option("--n-top-genes", options->n_top_genes, "How many genes to choose; 0 = all")
      ->check(CLI::NonNegativeNumber);
  add_common_options(*command, options->common);
  command->callback([options] { run_hvg(*options); });
}

}  // namespace maskclass::cli
