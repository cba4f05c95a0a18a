#include "engine/io/merge.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/counted.h"
#include "engine/error.h"

namespace maskclass::io {
namespace {

using Names = std::vector<std::string>;
using Parts = std::vector<Dataset>;
using KeysOf = const Names& (*)(const Dataset&);

const Names& ids(const Dataset& part) {
  return part.gene_ids.empty() ? part.gene_names : part.gene_ids;
}
const Names& symbols(const Dataset& part) {
  return part.gene_symbols.empty() ? part.gene_names : part.gene_symbols;
}

/// column[part][k]: where the k-th shared gene stands in each part.
using Columns = std::vector<std::vector<std::int32_t>>;

std::unordered_map<std::string_view, std::int32_t> unique_places(const Names& keys) {
  std::unordered_map<std::string_view, std::int32_t> places;
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const auto [place, is_new] = places.emplace(keys[k], static_cast<std::int32_t>(k));
    if (!is_new) place->second = -1;
  }
  std::erase_if(places, [](const auto& entry) { return entry.second < 0; });
  return places;
}

Columns match(const Parts& parts, KeysOf keys_of) {
  const Names& first = keys_of(parts.front());
  Columns columns(parts.size());
  const bool same = std::all_of(parts.begin(), parts.end(),
                                [&](const Dataset& part) { return keys_of(part) == first; });
  std::vector<std::unordered_map<std::string_view, std::int32_t>> places;
  if (!same) {
    for (const Dataset& part : parts) places.push_back(unique_places(keys_of(part)));
  }
  for (std::size_t gene = 0; gene < first.size(); ++gene) {
    if (same) {
      for (auto& column : columns) column.push_back(static_cast<std::int32_t>(gene));
      continue;
    }
    const auto everywhere = std::all_of(places.begin(), places.end(), [&](const auto& of_part) {
      return of_part.contains(first[gene]);
    });
    if (!everywhere) continue;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      columns[part].push_back(places[part].at(first[gene]));
    }
  }
  return columns;
}

Names pick(const Names& names, const std::vector<std::int32_t>& at) {
  Names picked;
  if (names.empty()) return picked;
  for (const std::int32_t k : at) picked.push_back(names[k]);
  return picked;
}

/// Appends the rows of `part` with its genes renumbered, in ascending order.
void append_cells(const CsrMatrix& part, const std::vector<std::int32_t>& columns,
                  CsrMatrix& result) {
  std::vector<std::int32_t> new_gene(part.n_genes, -1);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    new_gene[columns[k]] = static_cast<std::int32_t>(k);
  }
  std::vector<std::pair<std::int32_t, float>> row;
  for (std::int64_t cell = 0; cell < part.n_cells; ++cell) {
    row.clear();
    for (std::int64_t k = part.indptr[cell]; k < part.indptr[cell + 1]; ++k) {
      const std::int32_t gene = new_gene[part.indices[k]];
      if (gene >= 0) row.emplace_back(gene, part.values[k]);
    }
    std::sort(row.begin(), row.end());
    for (const auto& [gene, value] : row) {
      result.indices.push_back(gene);
      result.values.push_back(value);
    }
    result.indptr.push_back(static_cast<std::int64_t>(result.indices.size()));
    if (cell % kCellsInRun == 0) {
      give_back(part);
      give_back(result);
    }
  }
  result.n_cells += part.n_cells;
}

/// "a.h5", or with its folder where another input has the same name.
std::string input_name(const std::string& path) {
  const std::filesystem::path normal = std::filesystem::path(path).lexically_normal();
  const std::filesystem::path named = normal.has_filename() ? normal : normal.parent_path();
  return named.filename().string();
}

Names input_names(const Parts& parts) {
  Names names;
  for (const Dataset& part : parts) names.push_back(input_name(part.path));
  const std::unordered_set<std::string> different(names.begin(), names.end());
  if (different.size() == names.size()) return names;
  for (std::size_t k = 0; k < parts.size(); ++k) names[k] = parts[k].path;
  const std::unordered_set<std::string> paths(names.begin(), names.end());
  if (paths.size() == names.size()) return names;
  for (std::size_t k = 0; k < parts.size(); ++k) names[k] += fmt::format(" ({})", k + 1);
  return names;
}

bool cells_are_unique(const Parts& parts) {
  std::unordered_set<std::string_view> seen;
  for (const Dataset& part : parts) {
    const std::unordered_set<std::string_view> here(part.cell_names.begin(), part.cell_names.end());
    for (const std::string_view name : here) {
      if (!seen.insert(name).second) return false;
    }
  }
  return true;
}

void log_genes(const Parts& parts, const Columns& columns, bool by_symbol,
               const Callbacks& callbacks) {
  std::string sizes;
  for (const Dataset& part : parts) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", with_thousands(part.counts.n_genes));
  }
  log_line(callbacks,
           fmt::format("{} inputs with {} genes: took the {} that all of them have, by {}",
                       parts.size(), sizes, with_thousands(std::ssize(columns.front())),
                       by_symbol ? "symbol" : "name or id"));
}

}  // namespace

Dataset merge(Parts parts, const Callbacks& callbacks) {
  Columns columns = match(parts, ids);
  Columns by_symbol = match(parts, symbols);
  const bool use_symbols = by_symbol.front().size() > columns.front().size();
  if (use_symbols) columns = std::move(by_symbol);
  if (columns.front().empty()) {
    throw data_error(
        fmt::format("{} and {} share no gene: are they of one species, and named alike "
                    "(ids or symbols)?",
                    parts.front().path, parts.back().path));
  }
  log_genes(parts, columns, use_symbols, callbacks);

  Dataset result;
  const Names inputs = input_names(parts);
  const bool unique = cells_are_unique(parts);
  result.path = fmt::format("{} inputs", parts.size());
  result.gene_names = pick(parts.front().gene_names, columns.front());
  result.gene_symbols = pick(parts.front().gene_symbols, columns.front());
  result.gene_ids = pick(parts.front().gene_ids, columns.front());
  result.gene_genomes = pick(parts.front().gene_genomes, columns.front());
  result.counts = matrix_in_file(0, std::ssize(columns.front()));
  std::size_t n_values = 0;
  for (const Dataset& part : parts) n_values += part.counts.values.size();
  result.counts.indices.reserve(n_values);
  result.counts.values.reserve(n_values);
  for (std::size_t part = 0; part < parts.size(); ++part) {
    append_cells(parts[part].counts, columns[part], result.counts);
    result.inputs.push_back({parts[part].path, parts[part].format, parts[part].counts.n_cells});
    for (std::string& name : parts[part].cell_names) {
      result.cell_names.push_back(unique ? std::move(name) : fmt::format("{}-{}", name, part + 1));
      result.cell_inputs.push_back(inputs[part]);
    }
    parts[part] = {};
  }
  if (!unique) {
    log_line(callbacks,
             "inputs have cells of the same name: the number of the input was added to "
             "all names");
  }
  return result;
}

}  // namespace maskclass::io
