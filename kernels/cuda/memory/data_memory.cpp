#include "kernels/cuda/memory/data_memory.h"

#include "kernels/cuda/runtime/nvtx.h"
#include "kernels/cuda/runtime/stream.h"
#include "kernels/math/biozero.h"

namespace maskclass::cuda {
namespace {

template <class T>
void copy_on_device(DeviceArray<T>& to, const T* from, const Context& context) {
  if (to.size() == 0) return;
  check(cudaMemcpyAsync(to.data(), from, to.bytes(), cudaMemcpyDeviceToDevice, context.stream),
        "copying the data set within the GPU");
}

}  // namespace

DataMemory::DataMemory(std::int64_t n_cells, std::int64_t n_nonzeros, std::int32_t n_genes,
                       std::int64_t n_curves, MemoryPlan& plan)
    : n_cells_(n_cells), n_genes_(n_genes) {
  plan.add(row_start_, "row starts", n_cells + 1);
  plan.add(segments_, "gene bits", n_cells * slices_of(n_genes));
  plan.add(values_, "scaled values", n_nonzeros);
  plan.add(cell_ids_, "cell numbers", n_cells);
  plan.add(position_, "biozero positions", n_cells);
  plan.add(shrink_, "biozero adjustments", n_cells);
  plan.add(ordered_row_start_, "row starts in the epoch's order", n_cells);
  plan.add(ordered_segments_, "gene bits in the epoch's order", n_cells * slices_of(n_genes));
  plan.add(ordered_ids_, "cell numbers in the epoch's order", n_cells);
  plan.add(ordered_position_, "biozero positions in the epoch's order", n_cells);
  plan.add(ordered_shrink_, "biozero adjustments in the epoch's order", n_cells);
  const std::int64_t n_numbers = n_curves > 1 ? n_cells : 0;
  plan.add(curve_, "numbers of dropout curves", n_numbers);
  plan.add(ordered_curve_, "numbers of dropout curves in the epoch's order", n_numbers);
  plan.add(genes_, "gene scaling", n_genes);
  plan.add(coefficients_, "biozero coefficients",
           static_cast<std::size_t>(n_curves) * n_genes * kBiozeroTerms);
}

void DataMemory::copy(const DeviceScaledData& data, const Context& context) {
  const Range range("load data");
  copy_on_device(row_start_, data.indptr, context);
  copy_on_device(values_, data.scaled, context);
  copy_on_device(cell_ids_, data.cell_ids, context);
  copy_on_device(position_, data.biozero_position, context);
  copy_on_device(shrink_, data.biozero_shrink, context);
  copy_on_device(curve_, data.biozero_curve, context);
  copy_on_device(genes_, data.genes, context);
  copy_on_device(coefficients_, data.biozero_coefficients, context);
  build_segments(n_cells_, n_genes_, row_start_.data(), data.indices, segments_.data(),
                 context.stream);
}

void DataMemory::copy(const ScaledData& data, const Context& context) {
  const Range range("load data");
  constexpr const char* kWhat = "copying the data set to the GPU";
  row_start_.upload(data.indptr, context, kWhat);
  // The genes' numbers are needed once, and in the place of the values, which come after them: a
  // data set that fits must not fail for what is needed for a moment.
  auto* const indices = reinterpret_cast<std::int32_t*>(values_.data());
  static_assert(sizeof(*indices) == sizeof(float));
  check(cudaMemcpyAsync(indices, data.indices.data(), data.indices.size_bytes(),
                        cudaMemcpyHostToDevice, context.stream),
        kWhat);
  build_segments(n_cells_, n_genes_, row_start_.data(), indices, segments_.data(), context.stream);
  values_.upload(data.scaled, context, kWhat);
  cell_ids_.upload(data.cell_ids, context, kWhat);
  position_.upload(data.biozero_position, context, kWhat);
  shrink_.upload(data.biozero_shrink, context, kWhat);
  curve_.upload(data.biozero_curve, context, kWhat);
  genes_.upload(data.genes, context, kWhat);
  coefficients_.upload(data.biozero_coefficients, context, kWhat);
  synchronise(context.stream, kWhat);
}

void DataMemory::copy_genes(const ScaledData& data, const Context& context) {
  constexpr const char* kWhat = "copying the genes' scaling to the GPU";
  genes_.upload(data.genes, context, kWhat);
  coefficients_.upload(data.biozero_coefficients, context, kWhat);
  synchronise(context.stream, kWhat);
}

void DataMemory::copy(const PackedCells& cells, const Context& context) {
  constexpr const char* kWhat = "copying cells to the GPU";
  row_start_.upload(cells.row_start(), context, kWhat);
  segments_.upload(cells.segments(), context, kWhat);
  values_.upload(cells.values(), context, kWhat);
  cell_ids_.upload(cells.cell_ids(), context, kWhat);
  position_.upload(cells.position(), context, kWhat);
  shrink_.upload(cells.shrink(), context, kWhat);
  curve_.upload(cells.curve(), context, kWhat);
}

OrderedCells DataMemory::ordered() const {
  return {ordered_row_start_.data(),
          ordered_segments_.data(),
          ordered_ids_.data(),
          ordered_position_.data(),
          ordered_shrink_.data(),
          ordered_curve_.data(),
          n_cells_};
}

void DataMemory::order(const std::uint32_t* rows, std::int64_t n_cells, const Context& context) {
  const StoredCells stored{row_start_.data(), segments_.data(), cell_ids_.data(),
                           position_.data(),  shrink_.data(),   curve_.data()};
  order_cells(stored, rows, n_cells, slices_of(n_genes_), ordered(), context.stream);
}

Columns DataMemory::view() const {
  Columns columns;
  columns.cells = ordered();
  columns.values = values_.data();
  columns.genes = genes_.data();
  columns.biozero_coefficients = coefficients_.data();
  columns.n_genes = n_genes_;
  columns.n_slices = slices_of(n_genes_);
  return columns;
}

}  // namespace maskclass::cuda
