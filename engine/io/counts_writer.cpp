#include "engine/io/counts_writer.h"

#include <fmt/core.h>

#include "engine/error.h"
#include "engine/io/atomic_file.h"
#include "engine/io/count_checks.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_writer.h"
#include "engine/io/text/matrix_sink.h"
#include "engine/io/text/name_writer.h"

namespace maskclass::io {
namespace {

void write_columns(const AtomicPath& folder, const Dataset& dataset,
                   const std::vector<CellColumn>& columns) {
  const std::string file = "cells.tsv.gz";
  TextOutput out(folder.temporary() / file, (folder.path() / file).string(), true);
  out.write("cell");
  for (const CellColumn& column : columns) {
    out.write('\t');
    write_table_field(out, column.name, '\t');
  }
  for (std::size_t cell = 0; cell < dataset.cell_names.size(); ++cell) {
    out.write('\n');
    write_table_field(out, dataset.cell_names[cell], '\t');
    for (const CellColumn& column : columns) {
      out.write('\t');
      write_table_field(out, column.values.at(cell), '\t');
    }
  }
  out.write('\n');
  out.close();
}

void write_matrix(const AtomicPath& folder, const CsrView& counts) {
  const std::string file = "matrix.mtx.gz";
  MatrixMarketSink sink(folder.temporary() / file, (folder.path() / file).string(), counts.n_cells,
                        counts.n_genes, summarise_matrix(counts).whole);
  for (std::int64_t cell = 0; cell < counts.n_cells; ++cell) {
    for (std::int64_t k = counts.indptr[cell]; k < counts.indptr[cell + 1]; ++k) {
      sink.write_entry(cell, counts.indices[k], counts.values[k]);
    }
  }
  sink.close();
}

void write_folder(const std::filesystem::path& path, const Dataset& dataset,
                  const std::vector<CellColumn>& columns) {
  AtomicPath folder(path, AtomicPath::Kind::folder,
                    {"matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz", "cells.tsv.gz"});
  check_names_for_text(dataset.cell_names, folder.path().string());
  check_names_for_text(dataset.gene_names, folder.path().string());
  check_names_for_text(dataset.gene_symbols, folder.path().string());
  const auto name = [&](const char* file) { return (folder.path() / file).string(); };
  write_matrix(folder, dataset.counts.view());
  write_features(folder.temporary() / "features.tsv.gz", name("features.tsv.gz"),
                 gene_labels(dataset.gene_names, dataset.gene_symbols, dataset.gene_ids));
  write_names(folder.temporary() / "barcodes.tsv.gz", name("barcodes.tsv.gz"), dataset.cell_names);
  if (!columns.empty()) write_columns(folder, dataset, columns);
  folder.finish();
}

}  // namespace

void write_counts(const std::filesystem::path& path, const Dataset& dataset,
                  const std::vector<CellColumn>& columns) {
  switch (format_by_name(path)) {
    case FileFormat::h5ad:
#ifdef MASKCLASS_HAS_HDF5
      return write_h5ad_counts(path, dataset, columns);
#else
      refuse_hdf5(path);
#endif
    case FileFormat::folder:
      return write_folder(path, dataset, columns);
    default:
      throw usage_error(
          fmt::format("{}: counts are written as .h5ad or, with a name that has no "
                      "ending or ends in '/', as a 10x folder",
                      path.string()));
  }
}

}  // namespace maskclass::io
