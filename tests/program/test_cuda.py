"""--device cuda: what is refused and how it is told, and results beside the processor's.

On a machine without a GPU the first part runs with the driver missing, and the rest with the build
of the preset cuda-on-cpu, whose environment shows what a machine cannot (an old driver, a lost
device): third_party/cuda-on-cpu/README.md."""

import json
import os
import re
import subprocess
import unittest

from program import (
    DEVICE,
    PROGRAM,
    SUCCESS,
    USAGE,
    Case,
    anndata,
    h5py,
    needs_anndata,
    needs_h5py,
    read_npy,
    small_counts,
)

INFO = json.loads(subprocess.run([PROGRAM, "info", "--json"], capture_output=True).stdout)
GPUS = [device for device in INFO["devices"] if device["kind"] == "cuda"]
IS_STAND_IN = bool(GPUS) and GPUS[0]["name"] == "cuda-on-cpu"

needs_no_gpu = unittest.skipIf(GPUS, "this machine has a GPU")
needs_gpu = unittest.skipUnless(GPUS, "no GPU: " + str(INFO["why_no_gpu"]))
needs_real_gpu = unittest.skipUnless(GPUS and not IS_STAND_IN, "no real GPU")
needs_stand_in = unittest.skipUnless(IS_STAND_IN, "not a build with cuda-on-cpu")


class CudaCase(Case):
    def setUp(self):
        super().setUp()
        self.input = self.write_matrix_market()

    def denoise_on(self, device, *arguments, output="out.npy", epochs=2, **environment):
        """Few steps, so that it is fast where a processor plays the GPU."""
        return self.run_program(
            "denoise", self.input, "-o", self.out / output, "--device", device, "--epochs", epochs,
            "--n-top-genes", 0, "--outputs", "log2", *arguments,
            env={**os.environ, **environment})  # fmt: skip

    def clear_outputs(self):
        for path in self.out.iterdir():
            path.unlink()

    def refuse(self, words, *arguments, device="cuda", code=DEVICE, **environment):
        done = self.denoise_on(device, *arguments, **environment)
        self.assert_refused(done, code, words)
        self.assertEqual(done.out, "")
        return done

    def refuse_at_once(self, words, *arguments, **options):
        """Before any work was done."""
        done = self.refuse(words, *arguments, **options)
        self.assertNotIn("read ", done.err)
        self.assertEqual(len(done.err.splitlines()), 1, done.err)
        return done

    def fall_back(self, words, *arguments, **environment):
        """--device auto: the processor's result, and one line that says why."""
        done = self.denoise_on("auto", *arguments, **environment)
        self.assertEqual(done.returncode, SUCCESS, done.err)
        lines = [line for line in done.err.splitlines() if "computing on the processor" in line]
        self.assertEqual(len(lines), 1, done.err)
        for word in words:
            self.assertIn(word, lines[0])
        values = (self.out / "out.npy").read_bytes()
        self.assertEqual(self.denoise_on("cpu", *arguments).returncode, SUCCESS)
        self.assertEqual(values, (self.out / "out.npy").read_bytes())
        self.clear_outputs()


class Options(CudaCase):
    def test_devices_that_are_none(self):
        for device in ("gpu", "cuda1", "cuda:", "cuda:-1", "cuda:x", "cuda:99999", "CUDA", ""):
            self.refuse_usage(device)

    def refuse_usage(self, device):
        done = self.run_program("denoise", self.input, "-o", self.out / "x.npy",
                                f"--device={device}")  # fmt: skip
        self.assert_refused(done, USAGE, ["--device"])

    def test_options_of_a_gpu_on_the_processor(self):
        for option in (("--precision", "tf32"), ("--cuda-driver", "graph")):
            self.refuse_at_once(["--device is cpu"], *option, device="cpu", code=USAGE)

    @needs_h5py
    def test_the_device_is_recorded(self):
        done = self.run_program("denoise", self.input, "-o", "out.h5ad", "--epochs", 1,
                                "--device", "cpu", code=SUCCESS)  # fmt: skip
        self.assertNotIn("computing", done.err)
        with h5py.File(self.folder / "out.h5ad") as file:
            uns = file["uns/maskclass"]
            self.assertEqual(uns["device"].asstr()[()], "cpu")
            self.assertNotIn("gpu", uns)


@needs_no_gpu
class NoGpu(CudaCase):
    def test_it_is_told(self):
        reason = INFO["why_no_gpu"]
        self.assertTrue(reason)
        self.assertIn("no GPU: " + reason, self.run_program("info", code=SUCCESS).out)
        for device in ("cuda", "cuda:0", "cuda:1"):
            self.refuse_at_once([reason, "--device cpu"], device=device)

    def test_a_dry_run_is_refused_too(self):
        self.refuse_at_once(["--device cpu"], "--dry-run")

    def test_auto_falls_back(self):
        if INFO["cuda_backend"]:
            self.fall_back([INFO["why_no_gpu"]])
        else:
            done = self.denoise_on("auto")
            self.assertEqual(done.returncode, SUCCESS)
            self.assertNotIn("GPU", done.err)


@needs_real_gpu
class HiddenGpu(CudaCase):
    def test_a_driver_without_a_gpu(self):
        hidden = {"CUDA_VISIBLE_DEVICES": ""}
        self.refuse_at_once(["no GPU", "CUDA_VISIBLE_DEVICES", "--device cpu"], **hidden)
        self.fall_back(["no GPU"], **hidden)


@needs_gpu
class WrongGpu(CudaCase):
    def test_a_number_that_is_not_there(self):
        number = len(GPUS)
        self.refuse_at_once([f"no GPU {number}", "maskclass info"], device=f"cuda:{number}")


@needs_stand_in
class BadMachine(CudaCase):
    """What is wrong with a machine is told at once by `cuda`, in one line by `auto`."""

    def check(self, words, **environment):
        self.refuse_at_once([*words, "--device cpu"], **environment)
        self.fall_back(words, **environment)

    def test_no_driver(self):
        self.check(["no NVIDIA driver is installed"],
                   CUDA_ON_CPU_FAIL="cudaGetDevice:1+:35,cudaGetDeviceCount:1+:35,"
                                    "cudaDriverGetVersion:1+:35")  # fmt: skip

    def test_an_old_driver(self):
        self.check(["the NVIDIA driver supports CUDA", "update the driver"],
                   CUDA_ON_CPU_FAIL="cudaGetDevice:1+:35,cudaGetDeviceCount:1+:35")  # fmt: skip

    def test_a_driver_that_does_not_work(self):
        self.check(["driver does not work", "nvidia-smi"],
                   CUDA_ON_CPU_FAIL="cudaGetDevice:1+:803,cudaGetDeviceCount:1+:803")  # fmt: skip

    def test_no_device(self):
        self.check(["no GPU that this process may use", "CUDA_VISIBLE_DEVICES"],
                   CUDA_ON_CPU_FAIL="cudaGetDevice:1+:100,cudaGetDeviceCount:1+:100")  # fmt: skip

    def test_a_gpu_that_is_too_old(self):
        self.check(["compute capability 7.0", "7.5 or newer"], CUDA_ON_CPU_CC="70")

    def test_a_gpu_that_this_build_has_no_code_for(self):
        for code in ("209", "222"):
            self.check(["no code", "CMAKE_CUDA_ARCHITECTURES"],
                       CUDA_ON_CPU_FAIL=f"cudaFuncGetAttributes:1:{code}")  # fmt: skip

    def test_tensor_cores_that_are_not_there(self):
        self.refuse_at_once(["--precision tf32", "8.0", "--precision fp32"],
                            "--precision", "tf32", CUDA_ON_CPU_CC="75")  # fmt: skip

    def test_too_little_memory(self):
        wide = ("--hidden", 1000, "--latent", 300)
        small = {"CUDA_ON_CPU_MEMORY_MB": "4"}
        words = ["memory is short", "needs", "free", "fewer genes"]
        self.refuse([*words, "--device cpu"], *wide, **small)
        self.refuse([*words, "--device cpu"], *wide, "--dry-run", **small)
        self.fall_back(words, *wide, **small)

    def test_memory_for_one_network_but_not_for_two(self):
        wide = ("--hidden", 1000, "--latent", 300)
        enough = {"CUDA_ON_CPU_MEMORY_MB": "24"}
        self.assertEqual(self.denoise_on("cuda", *wide, **enough).returncode, SUCCESS)
        self.clear_outputs()
        self.refuse(["memory is short", "2 networks", "fewer genes", "--device cpu"],
                    *wide, "--variant", "calibrated", **enough)  # fmt: skip


@needs_stand_in
class Failures(CudaCase):
    """An error in the middle of a run: the message, and nothing half-written."""

    # The first call of each, the second and the ninth fail.
    FUNCTIONS = (
        "cudaMalloc", "cudaMallocHost", "cudaMemcpyAsync", "cudaMemsetAsync", "cudaLaunchKernel",
        "cudaLaunchCooperativeKernel", "cudaStreamCreateWithFlags", "cudaStreamSynchronize",
        "cudaStreamWaitEvent", "cudaStreamBeginCapture", "cudaStreamEndCapture",
        "cudaGraphInstantiate", "cudaGraphLaunch", "cudaEventCreateWithFlags", "cudaEventRecord",
        "cudaEventSynchronize", "cudaFuncSetAttribute", "cudaFuncGetAttributes", "cudaMemGetInfo",
    )  # fmt: skip

    def test_no_return_code_is_overlooked(self):
        n_failures = 0
        for driver in ("graph", "persistent"):
            for function in self.FUNCTIONS:
                for call in (1, 2, 9):
                    with self.subTest(function, call=call, driver=driver):
                        done = self.denoise_on(
                            "cuda", "--cuda-driver", driver,
                            CUDA_ON_CPU_FAIL=f"{function}:{call}:cudaErrorUnknown")  # fmt: skip
                        if f"{function} was called" in done.err:  # It was not called so often.
                            self.assertEqual(done.returncode, SUCCESS, done.err)
                            self.clear_outputs()
                            break
                        self.assert_refused(done, DEVICE, ["cudaErrorUnknown", "--device cpu"])
                        n_failures += 1
        self.assertGreater(n_failures, 10)

    EPOCHS = 10  # Training waits for events, and nothing else does.

    def half_way(self):
        """The call of a wait in the middle of training, as CUDA_ON_CPU_FAIL names it."""
        never = 10**9
        done = self.denoise_on("cuda", epochs=self.EPOCHS,
                               CUDA_ON_CPU_FAIL=f"cudaEventSynchronize:{never}:1")  # fmt: skip
        self.clear_outputs()
        calls = re.search(r"cudaEventSynchronize was called (\d+) times", done.err)
        self.assertIsNotNone(calls, done.err)
        self.assertGreater(int(calls[1]), 2)
        return f"cudaEventSynchronize:{(int(calls[1]) + 1) // 2}"

    def test_what_to_do_is_told(self):
        call = self.half_way()
        for code, words in {
            "cudaErrorLaunchFailure": ["unspecified launch failure", "compute-sanitizer"],
            "cudaErrorIllegalAddress": ["illegal memory access", "compute-sanitizer"],
            "cudaErrorECCUncorrectable": ["the GPU failed", "dmesg"],
            "cudaErrorLaunchTimeout": ["display", "--cuda-driver graph"],
        }.items():
            with self.subTest(code):
                self.refuse([code, "nothing was written", "--device cpu", *words],
                            epochs=self.EPOCHS, CUDA_ON_CPU_FAIL=f"{call}:{code}")  # fmt: skip

    def test_auto_does_not_change_horses(self):
        """A job that has begun on the GPU ends there."""
        self.refuse(["cudaErrorLaunchFailure", "--device cpu"], device="auto", epochs=self.EPOCHS,
                    CUDA_ON_CPU_FAIL=f"{self.half_way()}:cudaErrorLaunchFailure")  # fmt: skip


@needs_gpu
class NoBlas(CudaCase):
    """cuBLAS belongs to the toolkit: only evaluate asks for it, and says so where it is missing."""

    def setUp(self):
        super().setUp()
        for major in range(12, 20):
            (self.folder / f"libcublas.so.{major}").write_bytes(b"")  # found first, and no library
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.folder)}

    def test_denoise_does_without(self):
        done = self.denoise_on("cuda", LD_LIBRARY_PATH=str(self.folder))
        self.assertEqual(done.returncode, SUCCESS, done.err)

    def test_evaluate_is_refused_or_falls_back(self):
        self.input = self.write_counts()
        self.assertEqual(self.denoise_on("cpu", "--orientation", "cells-are-rows",
                                         output="out.csv").returncode, SUCCESS)  # fmt: skip
        rows = [f"c{k + 1}\t{'AB'[k % 2]}" for k in range(40)]
        labels = self.write("labels.tsv", "\n".join(["cell\tlabel", *rows, ""]))

        def evaluate(device):
            return self.run_program("evaluate", self.out / "out.csv", "--labels", labels,
                                    "--device", device, env=self.environment)  # fmt: skip

        done = evaluate("cuda")
        self.assertEqual((done.returncode, done.out), (DEVICE, ""), done.err)
        for word in ("libcublas.so", "LD_LIBRARY_PATH", "--device cpu"):
            self.assertIn(word, done.err)
        done = evaluate("auto")
        self.assertEqual(done.returncode, SUCCESS, done.err)
        self.assertEqual(done.err.count("computing on the processor: cuBLAS"), 1, done.err)
        self.assertEqual(done.out, evaluate("cpu").out)


@needs_gpu
class Results(CudaCase):
    """The whole program, beside the same on the processor."""

    def values(self, device, *arguments, **options):
        done = self.denoise_on(device, *arguments, **options)
        self.assertEqual(done.returncode, SUCCESS, done.err)
        return read_npy(self.out / "out.npy")

    def difference(self, first, second):
        return max(abs(a - b) for row_a, row_b in zip(first, second) for a, b in zip(row_a, row_b))

    def test_values_are_the_processors(self):
        for variant in ("balanced", "best"):
            with self.subTest(variant):
                options = ("--observed", "replace", "--variant", variant)
                cpu = self.values("cpu", *options)
                # What rounding changes is nothing beside what one more epoch changes.
                epoch = self.difference(cpu, self.values("cpu", *options, epochs=3))
                self.assertGreater(epoch, 1e-4)
                for driver in ("graph", "persistent"):
                    cuda = self.values("cuda", *options, "--cuda-driver", driver)
                    self.assertLess(self.difference(cpu, cuda), 1e-3 * epoch)

    @needs_stand_in
    def test_a_data_set_larger_than_the_gpus_memory(self):
        """It streams through the GPU, with the same bytes, and is told to."""
        self.input = self.write_matrix_market(counts=small_counts(n_cells=4000, n_genes=60))
        values = self.values("cuda", epochs=1)
        streamed = {}
        # From less than it takes to more: whatever is free, it works.
        for megabytes in (1, 2, 4):
            done = self.denoise_on("cuda", epochs=1, CUDA_ON_CPU_MEMORY_MB=str(megabytes))
            self.assertEqual(done.returncode, SUCCESS, done.err)
            streamed[megabytes] = "streams through it" in done.err
            self.assertEqual(read_npy(self.out / "out.npy"), values)
        self.assertTrue(streamed[1] and not streamed[4], streamed)
        plan = self.denoise_on("cuda", "--dry-run", epochs=1, CUDA_ON_CPU_MEMORY_MB="1").out
        self.assertIn("the data set streams through it", plan)

    def test_the_calibrated_variant(self):
        values = [self.values(device, "--variant", "calibrated") for device in ("cuda", "cuda")]
        self.assertEqual(values[0], values[1])

    def test_the_same_bytes_twice_and_from_both_drivers(self):
        for device in ("cuda", "cuda:0", "auto"):
            for driver in ("auto", "graph", "persistent"):
                done = self.denoise_on(device, "--cuda-driver", driver, output=f"{device}{driver}.npy")
                self.assertEqual(done.returncode, SUCCESS, done.err)
        self.assertEqual(len({path.read_bytes() for path in self.out.glob("*.npy")}), 1)

    @needs_anndata
    def test_from_h5ad_to_h5ad(self):
        counts = self.simulate() / "counts.h5ad"
        results = {}
        for name, device, epochs in (("cpu", "cpu", 2), ("later", "cpu", 3), ("cuda", "cuda", 2)):
            done = self.run_program(
                "denoise", counts, "-o", f"{name}.h5ad", "--device", device, "--epochs", epochs,
                "--outputs", "log2,counts,latent,biozero", code=SUCCESS)  # fmt: skip
            results[name] = anndata.read_h5ad(self.folder / f"{name}.h5ad")
        self.assertIn("GPU 0: ", done.err)
        cpu, cuda = results["cpu"], results["cuda"]
        uns = cuda.uns["maskclass"]
        self.assertEqual(uns["device"], "cuda")
        self.assertEqual(uns["gpu"], GPUS[0]["name"])
        self.assertIn(uns["cuda_driver"], ("graph", "persistent"))
        self.assertEqual(uns["precision"], "fp32")
        self.assertGreater(uns["gpu_memory_bytes"], 0)

        self.assertEqual(abs(cpu.X - cuda.X).max(), 0)
        matrices = {
            name: (results[name].layers["maskclass"], results[name].layers["denoised"],
                   results[name].obsm["X_maskclass"])
            for name in results
        }  # fmt: skip
        for a, b, c in zip(matrices["cpu"], matrices["cuda"], matrices["later"]):
            # Rounding is nothing beside one more epoch.
            self.assertLess(abs(a - b).max(), 1e-3 * abs(a - c).max())
        # It is not trained.
        biozero = abs(cpu.layers["biozero"] - cuda.layers["biozero"]).max()
        self.assertLess(biozero, 1e-6)

    def test_a_dry_run_tells_the_plan(self):
        done = self.denoise_on("cuda", "--dry-run")
        self.assertEqual(done.returncode, SUCCESS, done.err)
        lines = dict(line.split(None, 1) for line in done.out.splitlines())
        self.assertEqual(list(lines),
                         ["input", "output", "memory", "disk", "device", "gpu", "time"])  # fmt: skip
        self.assertRegex(lines["device"], r"^GPU 0: .* \(compute capability \d+\.\d\), .* driver")
        self.assertRegex(lines["gpu"], r"^[\d,]+ MB of its [\d,]+ MB of free memory; the data set")
        self.assertIn("on the GPU", lines["time"])
        self.assertEqual(self.files(), [])

    def test_info_lists_the_gpus(self):
        out = self.run_program("info", code=SUCCESS).out
        for gpu in GPUS:
            self.assertIn(f"cuda:{gpu['index']} ({gpu['name']}, compute capability "
                          f"{gpu['compute_capability']}", out)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
