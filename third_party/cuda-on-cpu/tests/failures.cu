// Prints what its calls return: for CUDA_ON_CPU_FAIL.
#include <cuda_runtime.h>
#include <cstdio>

__global__ void store(int* p) { p[threadIdx.x] = 1; }

int main() {
    int count = 0;
    int devices = cudaGetDeviceCount(&count);
    cudaDeviceProp p;
    int properties = cudaGetDeviceProperties(&p, 0);
    int *a = nullptr, *b = nullptr;
    int first = cudaMalloc(&a, 128), second = cudaMalloc(&b, 128);
    cudaGetLastError();
    if (a) store<<<1, 32>>>(a);
    int launch = cudaGetLastError();
    int sync = cudaStreamSynchronize(nullptr);
    int free_a = cudaFree(a), free_b = cudaFree(b);
    printf("devices %d properties %d malloc %d %d launch %d sync %d "
           "free %d %d\n", devices, properties, first, second, launch, sync,
           free_a, free_b);
    cudaGetLastError();
    return 0;
}
