#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>

namespace maskclass::cpu {

/// Holds threads until all have arrived. Waiting threads spin, then yield. Where every thread has a
/// processor they spin for some fifty microseconds, within which the others arrive; after that the
/// others have lost their processor to a neighbour, or have to share this very one. (Spinning for a
/// millisecond made steps on a busy machine several times longer, and so did sleeping.) Where there
/// are more threads than processors they yield almost at once.
class Barrier {
 public:
  Barrier(int n_threads, int n_processors)
      : n_threads_(n_threads), n_spins_(n_threads <= n_processors ? 2000 : 100) {}

  void wait() {
    const std::uint32_t round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
      if (spins < n_spins_) {
        pause();
      } else {
        sched_yield();
      }
    }
  }

 private:
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }

  const int n_threads_;
  const int n_spins_;
  alignas(64) std::atomic<int> arrived_{0};
  alignas(64) std::atomic<std::uint32_t> round_{0};
};

}  // namespace maskclass::cpu
