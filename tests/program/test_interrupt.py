"""Ctrl-C and its like: exit code 130, soon, and nothing left behind."""

import os
import pty
import select
import signal
import subprocess
import time
import unittest

from program import INTERRUPTED, PROGRAM, Case

LONG = ("--epochs", 1000000, "--threads", 2)


class Interrupt(Case):
    def start(self, *arguments, stderr=subprocess.PIPE):
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        self.addCleanup(process.kill)
        return process

    def start_training(self, *arguments):
        """Returns as soon as the first epochs are behind it."""
        counts = self.simulate() / "counts.h5ad"
        outputs = ("-o", self.out / "out.npy", "--save-model", self.out / "out.safetensors")
        process = self.start("denoise", counts, *outputs, *LONG, "--log", "json", *arguments)
        for line in process.stderr:
            if b'"train"' in line:
                return process
        self.fail("no training")

    def assert_stops(self, process, signal_number, code=INTERRUPTED):
        start = time.monotonic()
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, err)
        # Within a second on a quiet machine; slow ones and sanitizers take longer.
        self.assertLess(time.monotonic() - start, 20)
        self.assertEqual(self.files(), [])
        self.assertEqual(out, b"")
        return (err or b"").decode()

    def test_signals_during_training(self):
        for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal_number):
                err = self.assert_stops(self.start_training(), signal_number)
                self.assertIn("train", err.splitlines()[-1])

    def test_quiet(self):
        counts = self.simulate() / "counts.h5ad"
        process = self.start("denoise", counts, "-o", self.out / "out.h5ad", *LONG, "--quiet")
        time.sleep(0.5)
        self.assert_stops(process, signal.SIGINT)

    def test_at_any_moment(self):
        """Whenever the signal comes, there is a whole result or none."""
        counts = self.simulate() / "counts.h5ad"
        arguments = ("denoise", counts, "-o", self.out / "out.npy", "--epochs", 3, "--quiet")
        for delay in range(0, 60, 6):
            process = self.start(*arguments)
            time.sleep(delay / 1000)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            # Before the program listens, and once its work is done, the signal ends it at once.
            self.assertIn(process.returncode, (0, INTERRUPTED, -signal.SIGINT))
            whole = len(self.files()) == 6  # 3 outputs and their names
            if process.returncode == 0:
                self.assertTrue(whole)
            if process.returncode == INTERRUPTED or not whole:
                self.assertEqual(self.files(), [])
            for name in self.files():
                self.assertGreater((self.out / name).stat().st_size, 0)
                (self.out / name).unlink()

    def test_simulate_and_dry_run(self):
        process = self.start(
            "simulate", "equal", "-o", self.out / "sim", "--cells", 30000, "--threads", 1)  # fmt: skip
        time.sleep(0.3)
        self.assert_stops(process, signal.SIGINT)
        counts = self.simulate() / "counts.h5ad"
        process = self.start("denoise", counts, "--dry-run", *LONG, "--log", "json")
        time.sleep(0.5)
        self.assert_stops(process, signal.SIGINT)

    def test_no_reader_is_no_reason_to_stop(self):
        counts = self.simulate() / "counts.h5ad"
        process = self.start("denoise", counts, "-o", self.out / "out.h5ad", "--epochs", 3)
        process.stderr.close()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.files(), ["out.h5ad"])


class Terminal(Case):
    def run_on_terminal(self, *arguments, interrupt=False):
        """Exit code, and what appears on a terminal of 80 columns."""
        user_side, program_side = pty.openpty()
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=program_side,
            env={**os.environ, "TERM": "xterm"},
        )
        self.addCleanup(process.kill)
        os.close(program_side)
        text = b""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not select.select([user_side], [], [], 1)[0]:
                continue
            try:
                part = os.read(user_side, 4096)
            except OSError:  # the program has closed its side
                break
            text += part
            if interrupt and b"epoch " in text:
                process.send_signal(signal.SIGINT)
                interrupt = False
        os.close(user_side)
        process.stdout.close()
        return process.wait(60), text.decode().replace("\r\n", "\n")

    def test_a_bar_on_a_terminal_only(self):
        counts = self.simulate() / "counts.h5ad"
        arguments = ("denoise", counts, "-o", self.out / "out.h5ad", "--epochs", 30)
        code, text = self.run_on_terminal(*arguments)
        self.assertEqual(code, 0)
        self.assertIn("train [", text)
        self.assertIn("\r\x1b[K", text)
        self.assertIn("epoch 30/30", text)
        self.assertTrue(text.endswith("\n"))
        err = self.run_program(*arguments, code=0).err
        self.assertNotIn("\x1b", err)
        self.assertNotIn("\r", err)
        self.assertIn("epoch 30/30", err)

    def test_interrupted_bar(self):
        counts = self.simulate() / "counts.h5ad"
        code, text = self.run_on_terminal(
            "denoise", counts, "-o", self.out / "out.h5ad", *LONG, interrupt=True)  # fmt: skip
        self.assertEqual(code, INTERRUPTED)
        self.assertEqual(self.files(), [])
        self.assertTrue(text.endswith("\n"))
        self.assertNotIn("\x1b", text.splitlines()[-1])  # the message has a line of its own


if __name__ == "__main__":
    unittest.main()
