#pragma once

#include <string>
#include <vector>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// What 10x says of the rows of its matrices: genes, and antibodies or guides beside them.
struct FeatureList {
  std::string file;                  ///< For messages.
  std::vector<std::string> ids;      ///< [n_features]
  std::vector<std::string> symbols;  ///< [n_features], or empty where there are ids only.
  std::vector<std::string> types;    ///< [n_features] "Gene Expression", ..., or empty.
  std::vector<std::string> genomes;  ///< [n_features] "GRCh38", ..., or empty.
};

/// Names the columns of dataset.counts (its features), then keeps those that are genes and, where
/// `options.genome` says so, of one genome. Of several types "Gene Expression" alone is kept; a log
/// line says what was left out, and which genomes there are. Throws Error{usage} for a genome that
/// is not there: the message lists those that are.
void take_features(FeatureList features, const ReadOptions& options, Dataset& dataset,
                   const Callbacks& callbacks);

}  // namespace maskclass::io
