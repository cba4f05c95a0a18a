#include "engine/io/features.h"

#include <fmt/core.h>

#include <cstdint>
#include <map>
#include <utility>

#include "engine/counted.h"
#include "engine/error.h"
#include "engine/io/csr_builder.h"

namespace maskclass::io {
namespace {

constexpr const char* kGeneExpression = "Gene Expression";

using Tally = std::map<std::string, std::int64_t>;

Tally tally(const std::vector<std::string>& words) {
  Tally n_of;
  for (const std::string& word : words) ++n_of[word];
  return n_of;
}

/// "500 of 'GRCh38', 400 of 'mm10'", without `but`.
std::string listed(const Tally& n_of, const std::string& but = "") {
  std::string list;
  for (const auto& [word, n] : n_of) {
    if (word == but) continue;
    list += fmt::format("{}{} of '{}'", list.empty() ? "" : ", ", n, word);
  }
  return list;
}

/// Keeps the entries of `words` (none or [n_features]) where keep[k] is not 0.
void keep_words(std::vector<std::string>& words, const std::vector<std::uint8_t>& keep) {
  std::size_t to = 0;
  for (std::size_t k = 0; k < words.size(); ++k) {
    if (keep[k] == 0) continue;
    if (to != k) words[to] = std::move(words[k]);
    ++to;
  }
  words.resize(to);
}

/// Keeps the features whose `words` are `wanted`.
void keep_where(const std::vector<std::string>& words, const std::string& wanted,
                FeatureList& features, Dataset& dataset) {
  std::vector<std::uint8_t> keep(words.size());
  for (std::size_t k = 0; k < keep.size(); ++k) keep[k] = words[k] == wanted ? 1 : 0;
  keep_genes(dataset.counts, keep);
  keep_words(features.ids, keep);
  keep_words(features.symbols, keep);
  keep_words(features.genomes, keep);
  keep_words(features.types, keep);
}

void keep_gene_expression(FeatureList& features, Dataset& dataset, const Callbacks& callbacks) {
  const Tally n_of = tally(features.types);
  if (n_of.size() < 2 || !n_of.contains(kGeneExpression)) return;
  const std::vector<std::string> types = features.types;
  keep_where(types, kGeneExpression, features, dataset);
  log_line(callbacks,
           fmt::format("{}: kept the {} features of type '{}', left out {}", features.file,
                       n_of.at(kGeneExpression), kGeneExpression, listed(n_of, kGeneExpression)));
}

void keep_genome(const std::string& genome, FeatureList& features, Dataset& dataset,
                 const Callbacks& callbacks) {
  const Tally n_of = tally(features.genomes);
  if (genome.empty()) {
    if (n_of.size() < 2) return;
    log_line(callbacks, fmt::format("{}: genes of {} genomes: {} (--genome takes one of them)",
                                    features.file, n_of.size(), listed(n_of)));
    return;
  }
  if (!n_of.contains(genome)) {
    throw usage_error(fmt::format("{}: has no genome '{}'; its genes are {}", features.file, genome,
                                  n_of.empty() ? "of none that is named" : listed(n_of)));
  }
  if (n_of.size() < 2) return;
  const std::vector<std::string> genomes = features.genomes;
  keep_where(genomes, genome, features, dataset);
  log_line(callbacks, fmt::format("{}: kept {} of '{}', left out {}", features.file,
                                  counted(n_of.at(genome), "gene"), genome, listed(n_of, genome)));
}

}  // namespace

void take_features(FeatureList features, const ReadOptions& options, Dataset& dataset,
                   const Callbacks& callbacks) {
  keep_gene_expression(features, dataset, callbacks);
  keep_genome(options.genome, features, dataset, callbacks);
  dataset.gene_names = std::move(features.ids);
  dataset.gene_symbols = std::move(features.symbols);
  dataset.gene_genomes = std::move(features.genomes);
}

}  // namespace maskclass::io
