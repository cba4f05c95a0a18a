#include "engine/io/text/name_writer.h"

#include <fmt/core.h>

#include "engine/error.h"

namespace maskclass::io {

void check_names_for_text(const std::vector<std::string>& names, const std::string& file) {
  for (const std::string& name : names) {
    if (name.find_first_of("\t\r\n") == std::string::npos && !name.empty()) continue;
    throw data_error(
        fmt::format("{}: the name '{}' is empty or holds a tab or a line end, which a "
                    "text file cannot carry; rename it or write .h5ad",
                    file, name));
  }
}

void write_names(const std::filesystem::path& path, const std::string& name,
                 const std::vector<std::string>& names) {
  TextOutput out(path, name, name.ends_with(".gz"));
  for (const std::string& line : names) {
    out.write(line);
    out.write('\n');
  }
  out.close();
}

GeneLabels gene_labels(const std::vector<std::string>& names,
                       const std::vector<std::string>& symbols,
                       const std::vector<std::string>& ids) {
  if (!ids.empty()) return {ids, names};
  return {names, symbols.empty() ? names : symbols};
}

void write_features(const std::filesystem::path& path, const std::string& name,
                    const GeneLabels& genes) {
  TextOutput out(path, name, name.ends_with(".gz"));
  for (std::size_t k = 0; k < genes.ids.size(); ++k) {
    out.write(genes.ids[k]);
    out.write('\t');
    out.write(genes.symbols[k]);
    out.write("\tGene Expression\n");
  }
  out.close();
}

void write_table_field(TextOutput& out, const std::string& field, char separator) {
  if (field.find(separator) == std::string::npos && field.find('"') == std::string::npos) {
    return out.write(field);
  }
  out.write('"');
  for (const char c : field) {
    if (c == '"') out.write('"');
    out.write(c);
  }
  out.write('"');
}

}  // namespace maskclass::io
