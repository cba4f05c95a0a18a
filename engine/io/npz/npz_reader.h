#pragma once

#include <filesystem>

#include "engine/io/dataset.h"
#include "engine/io/reader.h"
#include "engine/progress.h"

namespace maskclass::io {

/// Reads what scipy.sparse.save_npz wrote, as csr, csc or coo. Rows are cells, as scanpy has them,
/// unless options.orientation says otherwise (a log line says which). Names come from
/// NAME.cells.txt and NAME.genes.txt beside NAME.npz, else they are numbered. Values are not
/// checked to be counts. Throws Error{data} that names the file and the array where it is missing,
/// damaged or does not fit the others, or where an entry is out of range or stands twice.
Dataset read_npz(const std::filesystem::path& path, const ReadOptions& options,
                 const Callbacks& callbacks);

}  // namespace maskclass::io
