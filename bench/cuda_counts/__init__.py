"""What the CUDA kernels ask of a GPU, counted without one: the parts of bench/cuda_report.py."""
