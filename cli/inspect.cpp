#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/console.h"
#include "cli/damage.h"
#include "cli/input_options.h"
#include "engine/counted.h"
#include "engine/io/inspection.h"

namespace maskclass::cli {
namespace {

struct InspectOptions {
  InputOptions input;
  CommonOptions common;
  bool json = false;
};

/// 13714 as "13,714", 1702.5 as "1,703", 0.25 as "0.25".
std::string number(double value) {
  constexpr double kLargestWhole = 1e15;
  constexpr double kNoDecimals = 1000;
  const bool whole = value == std::floor(value) || value >= kNoDecimals;
  return whole && value >= 0 && value < kLargestWhole
             ? with_thousands(static_cast<std::int64_t>(std::round(value)))
             : fmt::format("{:.4g}", value);
}

std::string range(const io::Range& range) {
  return fmt::format("{} to {}, median {}", number(range.low), number(range.high),
                     number(range.median));
}

void row(const std::string& label, const std::string& text) {
  if (!text.empty()) fmt::print("  {:<15}{}\n", label, text);
}

std::string values_text(const io::Inspection& found) {
  const double n_entries = static_cast<double>(found.n_cells) * static_cast<double>(found.n_genes);
  const double zeros = 1 - static_cast<double>(found.n_nonzeros) / n_entries;
  if (found.n_nonzeros == 0) return "all 0";
  return fmt::format("{}, {} to {} where not 0; {:.1f} % zeros, {} non-zeros",
                     found.whole ? "whole numbers" : "not whole numbers", number(found.lowest),
                     number(found.highest), 100 * zeros, with_thousands(found.n_nonzeros));
}

std::string names_text(const io::Inspection& found) {
  std::string text = fmt::format("cells '{}', ...; genes '{}'", found.first_cell, found.first_gene);
  if (!found.first_symbol.empty() && found.first_symbol != found.first_gene)
    text += fmt::format(" ({})", found.first_symbol);
  return text + ", ..." + (found.species.empty() ? "" : "; " + found.species);
}

std::string special_genes_text(const io::Inspection& found) {
  std::string text;
  if (found.n_mitochondrial > 0) {
    text = fmt::format("{} mitochondrial, {:.1f} % of a typical cell", found.n_mitochondrial,
                       100 * found.mitochondrial_share);
  }
  if (found.n_spike_ins > 0) {
    text += fmt::format("{}{} spike-ins (ERCC)", text.empty() ? "" : "; ", found.n_spike_ins);
  }
  return text;
}

std::string matrices_text(const io::Inspection& found) {
  std::string text;
  for (const io::MatrixChoice& choice : found.choices) {
    text += fmt::format("{}{} ({}): {}", text.empty() ? "" : "; ", choice.name, choice.flag,
                        choice.kind);
  }
  return text;
}

void print_text(const io::Inspection& found) {
  fmt::print("{}: {}\n", found.path, found.format);
  row("shape", fmt::format("{} cells x {} genes", with_thousands(found.n_cells),
                           with_thousands(found.n_genes)));
  row("matrix", found.matrix);
  row("matrices", found.choices.size() > 1 ? matrices_text(found) : "");
  row("values", values_text(found));
  row("library sizes", range(found.library_sizes));
  row("genes a cell", range(found.genes_per_cell));
  row("genes found",
      fmt::format("{} in at least one cell, {} in at least three",
                  with_thousands(found.n_genes_seen), with_thousands(found.n_genes_in_three)));
  row("names", names_text(found));
  row("special genes", special_genes_text(found));
  row("transformed", found.transformation.empty() ? "no: raw counts" : found.transformation);
  row("technology", found.technology);
  for (const std::string& note : found.notes) row("note", note);
  for (const std::string& problem : found.problems) row("problem", problem);
  fmt::print("  {}\n", found.can_be_denoised ? "`maskclass denoise` takes it."
                                             : "`maskclass denoise` does not take it as it is.");
}

void print_json(const io::Inspection& found) {
  using nlohmann::ordered_json;
  const auto triple = [](const io::Range& range) {
    return ordered_json{{"min", range.low}, {"median", range.median}, {"max", range.high}};
  };
  ordered_json matrices = ordered_json::array();
  for (const io::MatrixChoice& choice : found.choices) {
    matrices.push_back({{"name", choice.name}, {"option", choice.flag}, {"values", choice.kind}});
  }
  const ordered_json json{{"file", found.path},
                          {"format", found.format},
                          {"matrix", found.matrix},
                          {"matrices", matrices},
                          {"n_cells", found.n_cells},
                          {"n_genes", found.n_genes},
                          {"n_nonzeros", found.n_nonzeros},
                          {"min_nonzero", found.lowest},
                          {"max", found.highest},
                          {"whole_numbers", found.whole},
                          {"transformation", found.transformation},
                          {"library_sizes", triple(found.library_sizes)},
                          {"genes_per_cell", triple(found.genes_per_cell)},
                          {"n_empty_cells", found.n_empty_cells},
                          {"n_genes_found", found.n_genes_seen},
                          {"n_genes_in_three_cells", found.n_genes_in_three},
                          {"n_repeated_genes", found.n_repeated_genes},
                          {"n_repeated_cells", found.n_repeated_cells},
                          {"species", found.species},
                          {"n_mitochondrial_genes", found.n_mitochondrial},
                          {"mitochondrial_share", found.mitochondrial_share},
                          {"n_spike_ins", found.n_spike_ins},
                          {"technology", found.technology},
                          {"notes", found.notes},
                          {"problems", found.problems},
                          {"can_be_denoised", found.can_be_denoised}};
  fmt::print("{}\n", json.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

void run_inspect(const InspectOptions& options) {
  Console console(options.common.quiet, options.common.json());
  Callbacks callbacks = console.callbacks();
  std::unique_ptr<io::StandardInput> standard_input;
  std::filesystem::path path = options.input.paths.front();
  if (path == "-") {
    standard_input = std::make_unique<io::StandardInput>(callbacks);
    path = standard_input->path();
  }
  const DamageGuard damage_guard({path.string()});
  const io::Inspection found =
      io::inspect(path, options.input.read_options(options.common.thread_count()), callbacks);
  if (options.json) {
    print_json(found);
  } else {
    print_text(found);
  }
}

const char* const kInspectExamples = R"(
Says what is in a file of counts, whether `denoise` takes it, and what to do where it does not.

Examples:
  maskclass inspect filtered_feature_bc_matrix.h5
  maskclass inspect counts.h5ad --layer counts
  zcat counts.csv.gz | maskclass inspect - --json
)";

}  // namespace

void add_inspect(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("inspect", "What is in a file of counts, and likely problems");
  const auto options = std::make_shared<InspectOptions>();
  command->footer(kInspectExamples);
  command->option_defaults()->always_capture_default();
  add_input_options(*command, options->input, false);
  command->add_flag("--json", options->json, "Print one JSON object instead of text");
  add_common_options(*command, options->common);
  command->callback([options] { run_inspect(*options); });
}

}  // namespace maskclass::cli
