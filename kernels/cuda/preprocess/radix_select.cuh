#pragma once

#include <cstdint>
#include <cub/block/block_scan.cuh>

/// Exact order statistics of an unsorted array by one block: a radix select from the highest digit.
///
/// Threads: each takes every kThreads-th value, and the bins of a histogram in runs; all threads of
/// the block call run(). Shared memory: a histogram of 2,048 bins a rank (8 KB), a scan's. Bytes:
/// an array of n values is read once a digit of 11 bits (32 bits: three times, 64 bits: six times)
/// and once more where the next order statistic is not equal; nothing is written. Operations:
/// integer only, one atomic in shared memory for each value that shares the digits found so far.
/// Integer counts, so that neither the order of the values nor that of the threads matters.
namespace maskclass::cuda {

template <int kThreads, int kRanks, class Bits>
class RadixSelect {
  static constexpr int kDigitBits = 11;  // The first digit of a float32 is its exponent and 2 bits.
  static constexpr int kBins = 1 << kDigitBits;
  static constexpr int kBinsAThread = kBins / kThreads;
  static_assert(kBinsAThread * kThreads == kBins);
  using Scan = cub::BlockScan<unsigned, kThreads>;

 public:
  struct Shared {
    unsigned histogram[kRanks][kBins];  ///< Bin b at slot(b).
    typename Scan::TempStorage scan;
    unsigned remaining[kRanks];  ///< The rank among the values that share the digits found.
    unsigned equal[kRanks];      ///< How many values share them.
    Bits at[kRanks];             ///< Result: the order statistic of each rank.
    Bits next[kRanks];           ///< Result: the one after it.
  };

  /// Order statistics ranks[r] and ranks[r] + 1, counted from 0, of values[n]; n < 2^32. A negative
  /// rank is not asked for; next[r] is undefined for rank n - 1.
  static __device__ void run(Shared& shared, const Bits* values, std::int64_t n,
                             const std::int64_t (&ranks)[kRanks]) {
    if (threadIdx.x < kRanks) {
      shared.at[threadIdx.x] = 0;
      shared.next[threadIdx.x] = ~Bits{0};
    }
#pragma unroll
    for (int r = 0; r < kRanks; ++r) {
      if (threadIdx.x == 0) shared.remaining[r] = static_cast<unsigned>(ranks[r]);
    }
    int shift = 8 * sizeof(Bits);
    Bits found = 0;  // mask of the digits found
    while (shift > 0) {
      const int width = shift < kDigitBits ? shift : kDigitBits;
      shift -= width;
      count_digit(shared, values, n, ranks, found, shift, width);
      for (int r = 0; r < kRanks; ++r) {
        if (ranks[r] >= 0) choose_digit(shared, r, shift);
      }
      found |= ((Bits{1} << width) - 1) << shift;
    }
    __syncthreads();
    find_next(shared, values, n, ranks);
    __syncthreads();
  }

 private:
  /// Runs of bins lie kThreads apart, so that the threads that sum them meet in different banks.
  static __device__ int slot(int bin) {
    return bin % kBinsAThread * kThreads + bin / kBinsAThread;
  }

  static __device__ void count_digit(Shared& shared, const Bits* values, std::int64_t n,
                                     const std::int64_t (&ranks)[kRanks], Bits found, int shift,
                                     int width) {
    for (int bin = threadIdx.x; bin < kRanks * kBins; bin += kThreads) {
      shared.histogram[bin / kBins][bin % kBins] = 0;
    }
    __syncthreads();  // also for what choose_digit wrote
    Bits prefix[kRanks];
#pragma unroll
    for (int r = 0; r < kRanks; ++r) prefix[r] = shared.at[r];
    const unsigned digit_mask = (1u << width) - 1;
    for (std::int64_t k = threadIdx.x; k < n; k += kThreads) {
      const Bits value = values[k];
      const int at = slot(static_cast<int>(static_cast<unsigned>(value >> shift) & digit_mask));
#pragma unroll
      for (int r = 0; r < kRanks; ++r) {
        if (ranks[r] >= 0 && (value & found) == prefix[r]) atomicAdd(&shared.histogram[r][at], 1u);
      }
    }
    __syncthreads();
  }

  /// Finds the bin that holds the rank: one thread's.
  static __device__ void choose_digit(Shared& shared, int r, int shift) {
    const unsigned wanted = shared.remaining[r];
    unsigned own = 0;
    for (int j = 0; j < kBinsAThread; ++j) own += shared.histogram[r][j * kThreads + threadIdx.x];
    unsigned before = 0;
    Scan(shared.scan).ExclusiveSum(own, before);
    __syncthreads();  // the scan's memory is used again; all have read `remaining`
    if (wanted < before || wanted >= before + own) return;
    int j = 0;
    unsigned in_bin = shared.histogram[r][threadIdx.x];
    while (wanted >= before + in_bin) {
      before += in_bin;
      ++j;
      in_bin = shared.histogram[r][j * kThreads + threadIdx.x];
    }
    const Bits bin = threadIdx.x * kBinsAThread + j;
    shared.at[r] |= bin << shift;
    shared.remaining[r] = wanted - before;
    shared.equal[r] = in_bin;
  }

  static __device__ void find_next(Shared& shared, const Bits* values, std::int64_t n,
                                   const std::int64_t (&ranks)[kRanks]) {
    for (int r = 0; r < kRanks; ++r) {
      if (ranks[r] < 0) continue;
      const Bits at = shared.at[r];
      if (shared.remaining[r] + 1 < shared.equal[r]) {
        if (threadIdx.x == 0) shared.next[r] = at;
        continue;
      }
      Bits smallest = ~Bits{0};
      for (std::int64_t k = threadIdx.x; k < n; k += kThreads) {
        const Bits value = values[k];
        if (value > at && value < smallest) smallest = value;
      }
      if (smallest != ~Bits{0}) atomicMin(&shared.next[r], smallest);
    }
  }
};

}  // namespace maskclass::cuda
