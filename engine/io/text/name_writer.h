#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/text/text_output.h"

namespace maskclass::io {

/// Throws Error{data} where a name holds a line end or a tab, which no text format can carry.
void check_names_for_text(const std::vector<std::string>& names, const std::string& file);

/// One name a line (barcodes.tsv). `name` stands in messages; gzip as its ending says.
void write_names(const std::filesystem::path& path, const std::string& name,
                 const std::vector<std::string>& names);

/// What 10x files say of a gene.
struct GeneLabels {
  const std::vector<std::string>& ids;
  const std::vector<std::string>& symbols;  ///< The ids once more where there is nothing else.
};
/// Of names that are symbols and ids beside them, or of names that are ids and symbols, if any.
GeneLabels gene_labels(const std::vector<std::string>& names,
                       const std::vector<std::string>& symbols,
                       const std::vector<std::string>& ids);

/// "id<TAB>symbol<TAB>Gene Expression" a line (features.tsv).
void write_features(const std::filesystem::path& path, const std::string& name,
                    const GeneLabels& genes);

/// A field of a table, quoted where it holds the separator or a quote.
void write_table_field(TextOutput& out, const std::string& field, char separator);

}  // namespace maskclass::io
