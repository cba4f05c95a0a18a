#include "kernels/cpu/phases.h"

// This file is compiled once for each instruction set: Highway includes it again and again with
// other values of HWY_TARGET, and picks among the results when the program runs. Sets between the
// ones left here would add size and no speed. Those without a fused multiply-add (older than AVX2)
// work, but round differently.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/phases.cpp"  // NOLINT(bugprone-suspicious-include)
#include <hwy/foreach_target.h>                      // IWYU pragma: keep
// After foreach_target.h:
#include <hwy/highway.h>

#include "kernels/cpu/corrupt-inl.h"
#include "kernels/cpu/gather-inl.h"
#include "kernels/cpu/inference-inl.h"
#include "kernels/cpu/trunk-inl.h"
#include "kernels/cpu/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskclass::cpu {
namespace HWY_NAMESPACE {

const Phases& phases_of_target() {
  static const Phases kPhases{hwy::TargetName(HWY_TARGET),
                              seek_gene,
                              gather_slice,
                              corrupt_slice,
                              encode_slice,
                              trunk_forward,
                              decode_slice,
                              trunk_backward,
                              update_encoder,
                              update_trunk,
                              load_slice,
                              reconstruct_slice};
  return kPhases;
}

}  // namespace HWY_NAMESPACE
}  // namespace maskclass::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskclass::cpu {

HWY_EXPORT(phases_of_target);

const Phases& phases() {
  return HWY_DYNAMIC_DISPATCH(phases_of_target)();
}

}  // namespace maskclass::cpu
#endif
