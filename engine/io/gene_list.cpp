#include "engine/io/gene_list.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "engine/error.h"
#include "engine/io/text/name_lists.h"

namespace maskclass::io {

std::vector<std::int32_t> read_gene_list(const std::filesystem::path& path,
                                         const Dataset& dataset) {
  std::unordered_multimap<std::string, std::int32_t> columns;
  const auto n_genes = static_cast<std::int32_t>(dataset.gene_names.size());
  for (std::int32_t gene = 0; gene < n_genes; ++gene) {
    columns.emplace(dataset.gene_names[gene], gene);
    if (!dataset.gene_symbols.empty()) columns.emplace(dataset.gene_symbols[gene], gene);
    if (!dataset.gene_ids.empty()) columns.emplace(dataset.gene_ids[gene], gene);
  }
  std::vector<std::int32_t> result;
  std::vector<std::string> missing;
  for (const std::string& name : read_names(path)) {
    const auto [first, last] = columns.equal_range(name);
    if (first == last) missing.push_back(name);
    for (auto at = first; at != last; ++at) result.push_back(at->second);
  }
  if (!missing.empty()) {
    std::string message = path.string() + ": " + std::to_string(missing.size()) +
                          " of the genes are not in " + dataset.path + ": ";
    constexpr std::size_t kShown = 5;
    for (std::size_t k = 0; k < std::min(kShown, missing.size()); ++k) {
      message += (k == 0 ? "" : ", ") + missing[k];
    }
    if (missing.size() > kShown) message += ", ...";
    throw data_error(message + "; take them out of the list");
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace maskclass::io
