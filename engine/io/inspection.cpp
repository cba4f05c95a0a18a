#include "engine/io/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "engine/counted.h"
#include "engine/error.h"
#include "engine/io/count_checks.h"
#include "engine/io/h5ad/h5ad_reader.h"
#include "engine/io/text/name_patterns.h"

namespace maskclass::io {
namespace {

using Names = std::vector<std::string>;

std::string format_name(FileFormat format) {
  switch (format) {
    case FileFormat::folder:
      return "10x directory (Matrix Market)";
    case FileFormat::matrix_market:
      return "Matrix Market";
    case FileFormat::table:
      return "table";
    case FileFormat::npz:
      return "scipy sparse matrix (.npz)";
    case FileFormat::h5ad:
      return "AnnData (.h5ad)";
    case FileFormat::tenx_h5:
      return "10x HDF5 (.h5)";
    case FileFormat::loom:
      return "Loom";
    default:
      return "unknown";
  }
}

Range range_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {values.front(), median, values.back()};
}

std::int64_t n_repeated(const Names& names) {
  const std::unordered_set<std::string_view> different(names.begin(), names.end());
  return std::ssize(names) - std::ssize(different);
}

const Names& symbols_of(const Dataset& dataset) {
  return dataset.gene_symbols.empty() ? dataset.gene_names : dataset.gene_symbols;
}

void describe_values(const CsrView& counts, Inspection& result) {
  const ValueSummary summary = summarise_matrix(counts);
  result.whole = summary.whole;
  result.finite = summary.finite;
  result.n_nonzeros = counts.n_nonzeros();
  result.transformation = value_appearance(counts);
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::int64_t n_ones = 0;
  for (const float value : counts.values) {
    low = std::min(low, double{value});
    high = std::max(high, double{value});
    n_ones += value == 1;
  }
  if (counts.values.empty()) return;
  result.lowest = low;
  result.highest = high;
  result.share_of_ones = static_cast<double>(n_ones) / static_cast<double>(result.n_nonzeros);
}

void describe_cells_and_genes(const CsrView& counts, Inspection& result) {
  std::vector<double> libraries;
  std::vector<double> genes;
  std::vector<std::int64_t> n_cells_of(counts.n_genes);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    double sum = 0;
    for (const float value : counts.row_values(cell)) sum += value;
    for (const std::int32_t gene : counts.row_indices(cell)) ++n_cells_of[gene];
    libraries.push_back(sum);
    genes.push_back(static_cast<double>(counts.row_indices(cell).size()));
    result.n_empty_cells += counts.row_indices(cell).empty();
  }
  result.library_sizes = range_of(std::move(libraries));
  result.genes_per_cell = range_of(std::move(genes));
  for (const std::int64_t n : n_cells_of) {
    result.n_genes_seen += n >= 1;
    result.n_genes_in_three += n >= 3;
  }
}

/// Human genes are upper case (MT-ND1), those of mice are not (mt-Nd1).
void describe_species(const Dataset& dataset, Inspection& result) {
  const Names& ids = dataset.gene_ids.empty() ? dataset.gene_names : dataset.gene_ids;
  const auto share = [](const Names& names, std::string_view prefix) {
    const auto n = std::count_if(names.begin(), names.end(),
                                 [&](const std::string& name) { return name.starts_with(prefix); });
    return static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(1, names.size()));
  };
  const bool human = share(ids, "ENSG") > 0.3;
  const bool mouse = share(ids, "ENSMUSG") > 0.3;
  if (human || mouse) {
    result.species = human && mouse ? "human and mouse" : human ? "human" : "mouse";
    return;
  }
  for (const std::string& name : symbols_of(dataset)) {
    if (name == "ACTB" || name == "GAPDH" || name == "MALAT1") result.species = "human";
    if (name == "Actb" || name == "Gapdh" || name == "Malat1") result.species = "mouse";
    if (!result.species.empty()) return;
  }
}

void describe_special_genes(const Dataset& dataset, Inspection& result) {
  const Names& symbols = symbols_of(dataset);
  std::vector<std::uint8_t> mitochondrial(symbols.size());
  for (std::size_t gene = 0; gene < symbols.size(); ++gene) {
    const std::string name = upper_case(symbols[gene]);
    mitochondrial[gene] = name.starts_with("MT-");
    result.n_mitochondrial += mitochondrial[gene];
    result.n_spike_ins += name.starts_with("ERCC-");
  }
  if (result.n_mitochondrial == 0) return;
  const CsrView counts = dataset.counts.view();
  std::vector<double> shares;
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    const auto genes = counts.row_indices(cell);
    const auto values = counts.row_values(cell);
    double sum = 0;
    double part = 0;
    for (std::size_t k = 0; k < genes.size(); ++k) {
      sum += values[k];
      if (mitochondrial[genes[k]] != 0) part += values[k];
    }
    if (sum > 0) shares.push_back(part / sum);
  }
  result.mitochondrial_share = range_of(std::move(shares)).median;
}

/// "-1" behind 16 letters is Cell Ranger's; its first chemistry had 14, Drop-seq has 12.
std::size_t barcode_length(std::string_view name) {
  std::size_t longest = 0;
  std::size_t n = 0;
  for (const char c : name) {
    const bool base = c == 'A' || c == 'C' || c == 'G' || c == 'T';
    n = base ? n + 1 : 0;
    longest = std::max(longest, n);
  }
  return longest;
}

/// Molecules (UMIs) are mostly counted once; reads of full-length protocols hardly ever. What the
/// public sets beside the tests have: droplets 0.70, CEL-seq2 and inDrop 0.34 to 0.38, reads 0.13
/// and less.
void guess_technology(Inspection& result) {
  if (!result.transformation.empty() || !result.whole || result.n_nonzeros == 0) return;
  const std::size_t letters = barcode_length(result.first_cell);
  const char* droplets = letters == 16 || letters == 14 ? "10x Chromium"
                         : letters == 12                ? "Drop-seq or the like"
                                                        : "droplets or plates";
  if (result.share_of_ones >= 0.25) {
    result.technology = fmt::format("molecules (UMIs), {}", droplets);
  } else {
    result.technology = "reads, not molecules: a full-length protocol such as Smart-seq2";
  }
  result.technology +=
      fmt::format(": {:.0f} % of the counts that are not 0 are 1", 100 * result.share_of_ones);
}

#ifdef MASKCLASS_HAS_HDF5
/// The flag of another matrix that holds counts, or nothing.
std::string better_choice(const Inspection& result) {
  for (const MatrixChoice& choice : result.choices) {
    if (choice.name != result.matrix && choice.kind == "counts") return choice.flag;
  }
  return "";
}
#else
std::string better_choice(const Inspection&) {
  return "";
}
#endif

void find_problems_of_values(Inspection& result) {
  const auto add = [&](std::string text) { result.problems.push_back(std::move(text)); };
  const auto refuse = [&](std::string text) {
    add(std::move(text));
    result.can_be_denoised = false;
  };
  if (result.n_nonzeros == 0) return refuse("all values are 0: is this the right matrix?");
  if (!result.finite) return refuse("it has values that are NaN or infinite: give raw counts");
  const std::string other = better_choice(result);
  const std::string advice =
      other.empty() ? "give raw counts" : fmt::format("another matrix holds counts: {}", other);
  if (result.lowest < 0) return refuse("it has negative values: " + advice);
  if (result.highest > kLargestCount) {
    return refuse("it has values above 2^24, which float32 cannot count: give raw counts");
  }
  if (!result.whole) {
    refuse(fmt::format(
        "it looks {}: {}{}",
        result.transformation.empty() ? "like estimated counts" : result.transformation, advice,
        other.empty() ? ", or pass --allow-non-integer for FPKM, TPM or "
                        "estimated counts that are not log-transformed"
                      : ""));
  } else if (!result.transformation.empty()) {
    add(fmt::format("it looks {}: {}", result.transformation, advice));
  }
}

void find_problems_of_shape(const Dataset& dataset, Inspection& result) {
  const auto add = [&](std::string text) { result.problems.push_back(std::move(text)); };
  if (names_are_swapped(dataset.cell_names, dataset.gene_names)) {
    result.can_be_denoised = false;
    add("the cells have names of genes, the genes those of cells: the matrix is transposed; turn "
        "it "
        "round (in Python: adata.T), or pass --orientation for a table or .mtx");
  }
  if (result.n_empty_cells > 0) {
    result.can_be_denoised = result.n_empty_cells < result.n_cells && result.can_be_denoised;
    add(fmt::format("{} {} no counts: pass --drop-empty-cells",
                    counted(result.n_empty_cells, "cell"),
                    result.n_empty_cells == 1 ? "has" : "have"));
  }
  constexpr std::int64_t kUnfiltered = 50000;
  if (result.n_cells > kUnfiltered && result.library_sizes.median < 100) {
    add("most cells have hardly any counts: these are likely all droplets; give the filtered "
        "matrix");
  }
  constexpr std::int64_t kFew = 100;
  if (result.n_cells < kFew) {
    add(fmt::format("{} are few to learn from: results will be rough",
                    counted(result.n_cells, "cell")));
  }
  if (result.n_genes_in_three == 0) {
    add("no gene has a count in 3 cells: pass a lower --min-cells");
  } else if (result.n_genes_in_three < 2000) {
    add("few genes: if they were selected before, library sizes are not those of the cells; give "
        "all genes");
  }
  if (result.n_repeated_genes > 0) {
    add(fmt::format("{} of genes stand there more than once: all are kept",
                    counted(result.n_repeated_genes, "name")));
  }
  if (result.n_repeated_cells > 0) {
    add(fmt::format("{} of cells stand there more than once: `evaluate` cannot match them by name",
                    counted(result.n_repeated_cells, "name")));
  }
  if (result.mitochondrial_share > 0.2) {
    add(fmt::format("{:.0f} % of a typical cell's counts are mitochondrial: cells may be damaged",
                    100 * result.mitochondrial_share));
  }
}

}  // namespace

Inspection inspect(const std::filesystem::path& path, ReadOptions options,
                   const Callbacks& callbacks) {
  Inspection result;
  options.check_values = false;
  Callbacks collecting = callbacks;
  collecting.log = [&](const std::string& line) { result.notes.push_back(line); };
  const Dataset dataset = read_counts(path, options, collecting);
  const CsrView counts = dataset.counts.view();
  result.path = path.string();
  result.format = format_name(dataset.format);
  result.matrix = dataset.matrix;
#ifdef MASKCLASS_HAS_HDF5
  if (dataset.format == FileFormat::h5ad) result.choices = h5ad_choices(path);
#endif
  result.n_cells = counts.n_cells;
  result.n_genes = counts.n_genes;
  result.n_repeated_genes = n_repeated(dataset.gene_names);
  result.n_repeated_cells = n_repeated(dataset.cell_names);
  if (!dataset.cell_names.empty()) result.first_cell = dataset.cell_names.front();
  if (!dataset.gene_names.empty()) result.first_gene = dataset.gene_names.front();
  if (!dataset.gene_symbols.empty()) result.first_symbol = dataset.gene_symbols.front();
  describe_values(counts, result);
  describe_cells_and_genes(counts, result);
  describe_species(dataset, result);
  describe_special_genes(dataset, result);
  guess_technology(result);
  if (result.n_cells == 0 || result.n_genes == 0) {
    result.problems.emplace_back("it has no cells or no genes");
    result.can_be_denoised = false;
    return result;
  }
  find_problems_of_values(result);
  find_problems_of_shape(dataset, result);
  return result;
}

}  // namespace maskclass::io
