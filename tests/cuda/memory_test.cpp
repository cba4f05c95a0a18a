#include "kernels/cuda/runtime/memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/cuda/runtime/stream.h"
#include "tests/cuda/caught.h"

using namespace maskclass;
using namespace maskclass::cuda;
using maskclass::test::check_throws;

namespace {

/// The default allocator, which keeps account and refuses after `most` allocations.
class Accountant final : public Allocator {
 public:
  explicit Accountant(std::size_t most = std::numeric_limits<std::size_t>::max()) : most_(most) {}
  ~Accountant() override { CHECK(live_.empty()); }

  void* allocate(std::size_t bytes, cudaStream_t stream) override {
    if (n_allocations_ == most_) throw DeviceError(Fault::memory, "no more");
    ++n_allocations_;
    void* memory = default_allocator().allocate(bytes, stream);
    live_.push_back({memory, bytes, stream});
    return memory;
  }
  void release(void* memory, std::size_t bytes, cudaStream_t stream) noexcept override {
    const auto at = std::find(live_.begin(), live_.end(), Piece{memory, bytes, stream});
    CHECK(at != live_.end());
    if (at != live_.end()) live_.erase(at);
    default_allocator().release(memory, bytes, stream);
  }

  std::size_t n_live() const { return live_.size(); }
  std::size_t n_allocations() const { return n_allocations_; }

 private:
  struct Piece {
    void* memory;
    std::size_t bytes;
    cudaStream_t stream;
    bool operator==(const Piece&) const = default;
  };
  std::size_t most_;
  std::size_t n_allocations_ = 0;
  std::vector<Piece> live_;
};

}  // namespace

TEST_CASE("device memory has one owner") {
  Stream stream;
  Accountant accountant;
  const Context context{stream.get(), &accountant};
  {
    DeviceMemory first(100, context);
    DeviceMemory second(200, context);
    void* const memory = first.get();
    DeviceMemory third(std::move(first));
    CHECK(third.get() == memory);
    second = std::move(third);
    CHECK(second.get() == memory);
    CHECK(accountant.n_live() == 2);
    DeviceMemory empty;
    empty = std::move(second);
    CHECK(empty.get() == memory);
  }
  CHECK(accountant.n_live() == 0);
}

TEST_CASE("values go to the device and come back") {
  Stream stream;
  const Context context{stream.get()};
  std::vector<int> values(1000);
  std::iota(values.begin(), values.end(), 1);
  DeviceArray<int> array(values.size(), context);
  CHECK(array.bytes() == 4000);
  array.upload(values, context, "upload");
  std::vector<int> back(values.size());
  array.download(back, context, "download");
  synchronise(stream.get(), "copies");
  CHECK(back == values);
  array.clear(context, "clear");
  array.download(back, context, "download");
  synchronise(stream.get(), "copies");
  CHECK(back == std::vector<int>(values.size(), 0));

  std::vector<int> longer(values.size() + 1);
  CHECK_THROWS_AS(array.upload(longer, context, "upload"), std::logic_error);
  CHECK_THROWS_AS(array.download(longer, context, "download"), std::logic_error);

  DeviceArray<int> empty(0, context);
  CHECK(empty.data() == nullptr);
  CHECK_NOTHROW(empty.upload({}, context, "nothing"));
  CHECK_NOTHROW(empty.clear(context, "nothing"));
}

TEST_CASE("a plan sizes everything before it allocates anything") {
  Stream stream;
  Accountant accountant;
  const Context context{stream.get(), &accountant};
  DeviceArray<float> weights;
  DeviceArray<std::int64_t> rows;
  DeviceArray<char> nothing;
  MemoryPlan plan;
  plan.add(weights, "weights", 1000);
  plan.add(rows, "rows", 100);
  plan.add(nothing, "nothing", 0);
  CHECK(plan.bytes() == 4800);
  CHECK(plan.pieces().size() == 3);
  CHECK(accountant.n_allocations() == 0);
  CHECK(weights.data() == nullptr);
  plan.allocate(context);
  CHECK(accountant.n_live() == 2);
  CHECK(weights.data() != nullptr);
  CHECK(rows.size() == 100);
  CHECK(nothing.data() == nullptr);
}

TEST_CASE("a plan that does not fit is refused with what it needs and what is free") {
  Stream stream;
  std::size_t free_before = 0;
  std::size_t total = 0;
  check(cudaMemGetInfo(&free_before, &total), "free memory");
  {
    DeviceArray<float> small;
    DeviceArray<float> large;
    MemoryPlan plan;
    plan.add(small, "the weights", 1 << 20);
    plan.add(large, "the counts", total);
    check_throws(Fault::memory, {"needs", "the counts", "free", "end other programs"},
                 [&] { plan.allocate({stream.get()}); });
    CHECK(small.data() == nullptr);
  }
  std::size_t free_after = 0;
  check(cudaMemGetInfo(&free_after, &total), "free memory");
  CHECK(free_after == free_before);
}

TEST_CASE("where an allocator gives up half-way nothing is lost") {
  Stream stream;
  Accountant accountant(1);
  {
    DeviceArray<float> first;
    DeviceArray<float> second;
    MemoryPlan plan;
    plan.add(first, "first", 10);
    plan.add(second, "second", 10);
    check_throws(Fault::memory, {"needs"}, [&] { plan.allocate({stream.get(), &accountant}); });
    CHECK(accountant.n_live() == 1);
  }
  CHECK(accountant.n_live() == 0);
}

TEST_CASE("page-locked memory has one owner") {
  PinnedArray<int> first(10);
  int* const memory = first.data();
  PinnedArray<int> second(std::move(first));
  CHECK(second.data() == memory);
  PinnedArray<int> third(0);
  third = std::move(second);
  CHECK(third.data() == memory);
  CHECK(third.span().size() == 10);
}
