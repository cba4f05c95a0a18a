#include "engine/io/text/name_patterns.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace maskclass::io {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// `name` begins with `prefix` and at least `n` digits follow.
bool is_accession(std::string_view name, std::string_view prefix, std::size_t n) {
  return name.starts_with(prefix) && name.size() >= prefix.size() + n &&
         all_digits(name.substr(prefix.size(), n));
}

/// ENSG00000139618, ENSMUSG..., with or without a version behind a dot.
bool is_ensembl_gene(std::string_view name) {
  if (!name.starts_with("ENS")) return false;
  const std::size_t digit = name.find_first_of("0123456789");
  return digit != std::string_view::npos && digit >= 4 &&
         (name[digit - 1] == 'G' || name[digit - 1] == 'T') &&
         is_accession(name, name.substr(0, digit), 6);
}

bool is_common_gene(std::string_view upper) {
  constexpr std::array<std::string_view, 24> common = {
      "ACTB",   "ACTG1", "B2M",    "CD3D",  "CD3E",  "CD4",    "CD8A",   "CD19",
      "EEF1A1", "FTH1",  "FTL",    "GAPDH", "HBB",   "HBA1",   "HPRT1",  "HSP90AB1",
      "KRT8",   "KRT18", "MALAT1", "NEAT1", "PTPRC", "TMSB4X", "TMSB10", "UBC"};
  return std::find(common.begin(), common.end(), upper) != common.end();
}

/// Whether enough of a long list of names look like genes to call it one: most symbols follow no
/// pattern, but any list of genes of some length holds several of those that do.
bool are_genes(const std::vector<std::string>& names) {
  const auto n = std::count_if(names.begin(), names.end(), looks_like_gene);
  const auto needed = std::clamp<std::size_t>(names.size() / 500, 1, 5);
  return static_cast<std::size_t>(n) >= needed;
}

bool are_cells(const std::vector<std::string>& names) {
  const auto n = std::count_if(names.begin(), names.end(), looks_like_cell);
  return 2 * static_cast<std::size_t>(n) > names.size();
}

bool names_cells(std::string_view corner) {
  const std::string word = upper_case(corner);
  return word.starts_with("CELL") || word.starts_with("BARCODE");
}

bool names_genes(std::string_view corner) {
  const std::string word = upper_case(corner);
  return word.starts_with("GENE") || word.starts_with("FEATURE") || word.starts_with("SYMBOL") ||
         word.starts_with("ENSEMBL");
}

}  // namespace

std::string upper_case(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

bool looks_like_gene(std::string_view name) {
  const std::string upper = upper_case(name);
  const bool ribosomal = (upper.starts_with("RPL") || upper.starts_with("RPS")) &&
                         upper.size() > 3 && is_digit(upper[3]);
  const bool numbered_gene =
      upper.starts_with("GENE") && all_digits(std::string_view(upper).substr(std::min<std::size_t>(
                                       upper.find_first_not_of("_-. ", 4), upper.size())));
  return is_ensembl_gene(upper) || is_accession(upper, "FBGN", 7) ||
         is_accession(upper, "ERCC-", 5) || is_accession(upper, "LINC", 4) || ribosomal ||
         (upper.starts_with("MT-") && upper.size() > 4) || numbered_gene || is_common_gene(upper);
}

bool is_corner(std::string_view name) {
  return name.empty() || ((names_cells(name) || names_genes(name)) &&
                          std::none_of(name.begin(), name.end(), is_digit));
}

bool looks_like_cell(std::string_view name) {
  const std::string upper = upper_case(name);
  for (const std::string_view prefix : {"GSM", "SRR", "SRS", "SRX", "ERR", "ERS"}) {
    if (is_accession(upper, prefix, 5)) return true;
  }
  if (upper.starts_with("CELL") && upper.size() > 4 && !is_letter(upper.back()) &&
      std::any_of(upper.begin(), upper.end(), is_digit)) {
    return true;
  }
  std::size_t n_bases = 0;
  for (const char c : upper) {
    const bool base = c == 'A' || c == 'C' || c == 'G' || c == 'T' || c == 'N';
    n_bases = base ? n_bases + 1 : 0;
    if (n_bases >= 8) return true;
  }
  return false;
}

Orientation orientation_by_names(std::string_view corner, const std::vector<std::string>& columns,
                                 const std::vector<std::string>& rows) {
  const bool genes_down = names_genes(corner) || are_genes(rows) || are_cells(columns);
  const bool cells_down = names_cells(corner) || are_cells(rows) || are_genes(columns);
  if (genes_down == cells_down) return Orientation::detect;
  return genes_down ? Orientation::genes_are_rows : Orientation::cells_are_rows;
}

bool names_are_swapped(const std::vector<std::string>& cell_names,
                       const std::vector<std::string>& gene_names) {
  if (are_cells(cell_names)) return false;
  const auto share_of_genes = [](const std::vector<std::string>& names) {
    const auto n = std::count_if(names.begin(), names.end(), looks_like_gene);
    return static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(1, names.size()));
  };
  const double of_cells = share_of_genes(cell_names);
  if (share_of_genes(gene_names) >= of_cells) return false;
  constexpr double kIds = 0.3;  // Of symbols, few follow a pattern; of ids, all do.
  return are_cells(gene_names) || of_cells > kIds;
}

}  // namespace maskclass::io
