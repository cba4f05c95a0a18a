#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/progress.h"
#include "engine/simulate/splat.h"

namespace maskclass::io {

/// How a simulation's folder is written.
struct SimulationFileOptions {
  bool h5ad = true;      ///< counts.h5ad and truth.h5ad; else 10x directories counts/ and truth/.
  bool replace = false;  ///< Take the place of a folder that holds a simulation and nothing else.
  std::string scenario;  ///< For the record, in simulation.json.
  std::uint64_t seed = 0;
};

/// Throws Error{usage} where write_simulation() would refuse `folder`: it is a file, or it holds
/// something (other than a simulation that may be replaced), or its parent is missing. Call it
/// before the simulation, which takes longer.
void check_simulation_folder(const std::filesystem::path& folder,
                             const SimulationFileOptions& options);

/// Writes a simulation as a folder (docs/simulation.md, "Files"): counts and true counts with the
/// columns `group` and `batch`, and the generator as cells.tsv, genes.tsv and simulation.json,
/// whose numbers read back to the same bits. Everything is written to a folder of a temporary name
/// beside it, synced and renamed: it appears whole or not at all. `simulation` is taken apart to
/// save memory. Throws Error{usage} as above, Error{data} where writing fails, Error{cancelled}.
void write_simulation(const std::filesystem::path& folder, simulate::Simulation simulation,
                      const SimulationFileOptions& options, const Callbacks& callbacks = {});

/// Reads the generator of such a folder. Throws Error{data} that names file and line.
simulate::Generator read_generator(const std::filesystem::path& folder);

/// The folder's file (or 10x directory) of that name, "counts" or "truth"; throws Error{data} where
/// it has neither.
std::filesystem::path simulation_counts_path(const std::filesystem::path& folder,
                                             const std::string& name);

}  // namespace maskclass::io
