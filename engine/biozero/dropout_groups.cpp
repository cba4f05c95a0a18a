#include "engine/biozero/dropout_groups.h"

#include <algorithm>

#include "engine/counted.h"

namespace maskclass {
namespace {

std::vector<std::int64_t> cells_by_batch(std::span<const std::int32_t> batch_of) {
  std::vector<std::int64_t> n_cells;
  for (const std::int32_t batch : batch_of) {
    if (batch >= std::ssize(n_cells)) n_cells.resize(batch + 1);
    ++n_cells[batch];
  }
  return n_cells;
}

}  // namespace

DropoutGroups group_batches(std::span<const std::int32_t> batch_of) {
  const std::vector<std::int64_t> n_cells = cells_by_batch(batch_of);
  DropoutGroups groups;
  groups.batches.clear();
  std::vector<std::int32_t> small;
  std::int64_t n_cells_of_small = 0;
  for (std::int32_t batch = 0; batch < std::ssize(n_cells); ++batch) {
    if (n_cells[batch] >= kFewestCellsOfCurve) {
      groups.batches.push_back({batch});
    } else if (n_cells[batch] > 0) {
      small.push_back(batch);
      n_cells_of_small += n_cells[batch];
    }
  }
  if (groups.batches.empty() || n_cells_of_small >= kFewestCellsOfCurve) {
    groups.batches.push_back(small);
  } else {
    const auto largest = std::max_element(
        groups.batches.begin(), groups.batches.end(),
        [&](const auto& a, const auto& b) { return n_cells[a.front()] < n_cells[b.front()]; });
    largest->insert(largest->end(), small.begin(), small.end());
    std::sort(largest->begin(), largest->end());
  }
  groups.n_groups = static_cast<std::int32_t>(groups.batches.size());
  if (groups.n_groups == 1) return groups;
  std::vector<std::int32_t> group_of(n_cells.size());
  for (std::int32_t group = 0; group < groups.n_groups; ++group) {
    for (const std::int32_t batch : groups.batches[group]) group_of[batch] = group;
  }
  for (const std::int32_t batch : batch_of) groups.of_cell.push_back(group_of[batch]);
  return groups;
}

std::string text_of_batches(std::span<const std::int32_t> batches,
                            std::span<const std::string> names) {
  constexpr std::int64_t kShown = 3;
  std::string text;
  for (std::int64_t k = 0; k < std::min(kShown, std::ssize(batches)); ++k) {
    const std::int32_t batch = batches[k];
    text += (k == 0 ? "'" : ", '") +
            (names.empty() ? std::to_string(batch + 1) : names[static_cast<std::size_t>(batch)]) +
            "'";
  }
  if (std::ssize(batches) > kShown) {
    text += " and " + with_thousands(std::ssize(batches) - kShown) + " more";
  }
  return text;
}

std::string text_of_shared(const DropoutGroups& groups, std::span<const std::string> names) {
  for (const auto& batches : groups.batches) {
    if (batches.size() < 2) continue;
    return "batches of fewer than " + std::to_string(kFewestCellsOfCurve) +
           " cells have no dropout curve of their own; one curve serves " +
           text_of_batches(batches, names);
  }
  return {};
}

}  // namespace maskclass
