#pragma once

#include <exception>
#include <mutex>

namespace maskclass {

/// Carries an exception out of a parallel region, which it must not leave by itself: std::bad_alloc
/// then reaches the caller instead of ending the program.
///
///     FirstError error;
///     #pragma omp parallel for
///     for (...) error.guard([&] { ... });
///     error.rethrow();
class FirstError {
 public:
  template <typename Body>
  void guard(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace maskclass
