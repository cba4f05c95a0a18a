#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/evaluate/evaluation.h"
#include "engine/progress.h"
#include "engine/simulate/bayes_floor.h"

namespace maskclass::io {

/// What `maskclass evaluate` is given; an empty path or name is not given.
struct EvaluationFiles {
  std::filesystem::path denoised;   ///< What `denoise` wrote: .h5ad, .npy, .csv/.tsv, .mtx (log2).
  std::string layer = "maskclass";  ///< Of an .h5ad: a layer, or "X", "raw/X", "obsm/KEY".
  std::filesystem::path truth;      ///< A folder of `simulate`, or a file of true counts.
  std::filesystem::path counts;     ///< Observed counts, all genes: the input of `denoise`.
  std::string counts_layer;         ///< Of an .h5ad of counts: as ReadOptions::layer.
  std::filesystem::path labels;     ///< A table of cells; or a column of the obs of
                                    ///< `denoised`, where no such file exists.
  std::string label_column;         ///< Of `labels`, or else of the obs of `denoised`.
  std::optional<int> min_cells;     ///< Else what `denoised` says, else 3.
  bool biozero = false;             ///< Score layers/biozero of `denoised`.
  bool allow_non_integer = false;   ///< Take counts that are not whole numbers.
};

struct LoadedEvaluation {
  EvaluationInput input;
  std::vector<std::string> label_names;       ///< [n_labels], ascending.
  std::optional<simulate::BayesFloor> floor;  ///< With a folder of `simulate`.
};

/// Opens the files and matches their cells and genes by name with those of `denoised`. Denoised
/// values are read as they are needed; counts are held sparse. Observed values come from `counts`,
/// else from the folder of the truth, else from X of `denoised` and its library sizes; without any
/// of these there is no baseline. True counts are normalised by their own libraries over the genes
/// with an observed count in at least `min_cells` cells, to the median of all cells (SPEC 11).
/// Labels come from `labels`, else from `label_column`, else from the folder of the truth. Throws
/// Error{data} and Error{usage} that say which file, cell or gene is at fault.
LoadedEvaluation load_evaluation(const EvaluationFiles& files, int n_threads,
                                 const Callbacks& callbacks);

}  // namespace maskclass::io
