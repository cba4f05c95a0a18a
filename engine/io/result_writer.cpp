#include "engine/io/result_writer.h"

#include <fmt/core.h>

#include "engine/error.h"
#include "engine/io/file_format.h"
#include "engine/io/h5ad/h5ad_writer.h"
#include "engine/io/text/text_result_writer.h"

namespace maskclass::io {

std::unique_ptr<ResultWriter> open_result_writer(const std::filesystem::path& path,
                                                 const ResultHeader& header) {
  switch (format_by_name(path)) {
    case FileFormat::h5ad:
#ifdef MASKCLASS_HAS_HDF5
      return open_h5ad_writer(path, header);
#else
      refuse_h5ad(path);
#endif
    case FileFormat::folder:
      return open_folder_writer(path, header);
    case FileFormat::matrix_market:
    case FileFormat::table:
    case FileFormat::npy:
      return open_single_files_writer(path, header);
    case FileFormat::unknown:
      break;
  }
  throw usage_error(fmt::format(
      "{}: the ending of the output's name must be .h5ad, .mtx[.gz], .csv[.gz], .tsv[.gz] or .npy; "
      "a name without ending, or with '/' behind it, is a folder of Matrix Market files",
      path.string()));
}

std::vector<std::filesystem::path> check_result_path(const std::filesystem::path& path,
                                                     const Outputs& outputs) {
  // A writer that is never finished leaves nothing behind.
  const std::vector<std::int64_t> indptr{0, 0};
  ResultHeader header;
  header.outputs = outputs;
  header.cell_names = {"cell"};
  header.gene_names = {"gene"};
  header.source_cells = {0};
  header.source_genes = {0};
  header.counts = {1, 1, indptr, {}, {}};
  header.latent_width = 1;
  header.library_size = {1};
  header.denoised = {1};
  header.parameters_json = "{}";
  return open_result_writer(path, header)->paths();
}

}  // namespace maskclass::io
