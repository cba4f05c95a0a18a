// CUDA_ON_CPU_FAIL: calls that fail because the user of this tool says so, for
// what a machine without a GPU cannot show (an old driver, a lost device).
#include <cstdlib>
#include <cstring>
#include "context.h"

namespace coc {

namespace {

struct Failure {
    std::string function;
    long first = 0;             // the call, from 1, that fails
    bool and_later = false;     // and every one after it
    cudaError_t code = cudaSuccess;
    long calls = 0;
};

Failure parse(const std::string& text) {
    size_t a = text.find(':'), b = text.find(':', a + 1);
    Failure f;
    if (a != text.npos && b != text.npos) {
        f.function = text.substr(0, a);
        std::string when = text.substr(a + 1, b - a - 1);
        f.and_later = !when.empty() && when.back() == '+';
        f.first = atol(when.c_str());
        f.code = error_of(text.substr(b + 1));
    }
    if (f.first < 1 || f.code == cudaSuccess)
        fatal("CUDA_ON_CPU_FAIL must be FUNCTION:N:ERROR or "
              "FUNCTION:N+:ERROR, several separated by commas, not " + text);
    return f;
}

std::vector<Failure>& failures() {
    static auto* list = new std::vector<Failure>;
    return *list;
}

void warn_of_unused() {
    for (const Failure& f : failures())
        if (f.calls < f.first)
            fprintf(stderr, "cuda-on-cpu: warning: CUDA_ON_CPU_FAIL: %s was "
                    "called %ld times, not %ld\n", f.function.c_str(),
                    f.calls, f.first);
}

bool read_setting() {
    std::string text = options().fail;
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find(',', at), text.size());
        failures().push_back(parse(text.substr(at, end - at)));
        at = end + 1;
    }
    if (!failures().empty()) atexit(warn_of_unused);
    return true;
}

// After these a process can do nothing with the device any more
// (driver_types.h).
bool is_sticky(cudaError_t code) {
    switch (code) {
    case cudaErrorECCUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
        return true;
    default:
        return false;
    }
}

int depth = 0;                  // of calls that the stand-in makes itself

}  // namespace

Call::Call(const char* function) {
    static bool read = read_setting();
    (void)read;
    if (depth++ > 0) return;
    for (Failure& f : failures()) {
        if (f.function != function) continue;
        f.calls++;
        if (f.calls == f.first || (f.and_later && f.calls > f.first))
            failure = f.code;
    }
    if (is_sticky(failure)) set_sticky(failure);
}
Call::~Call() { depth--; }

}  // namespace coc
