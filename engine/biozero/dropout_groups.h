#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace maskclass {

/// A batch (sample, run) of fewer cells has no dropout curve of its own.
inline constexpr std::int64_t kFewestCellsOfCurve = 20;

/// Cells that share a dropout curve.
struct DropoutGroups {
  std::int32_t n_groups = 1;
  std::vector<std::int32_t> of_cell;               ///< [n_cells]; empty where there is one group.
  std::vector<std::vector<std::int32_t>> batches;  ///< [n_groups]: batches in each, ascending.
};

/// A group for each batch of at least kFewestCellsOfCurve cells, in the order of their numbers; all
/// smaller batches together are the last group or, where they have fewer cells than that, belong to
/// the group of the largest batch. `batch_of` is [n_cells], numbers from 0 of which some may have
/// no cells; empty means one batch.
DropoutGroups group_batches(std::span<const std::int32_t> batch_of);

/// What a log says about batches that share a curve, or nothing where each has its own. `names` is
/// [n_batches]; where it is empty, batches go by their number, from 1.
std::string text_of_shared(const DropoutGroups& groups, std::span<const std::string> names);

/// The names of a group's batches, at most a few of them.
std::string text_of_batches(std::span<const std::int32_t> batches,
                            std::span<const std::string> names);

}  // namespace maskclass
