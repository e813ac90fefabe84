"""The processes under measurement: starting and ending them, their processor time and their memory."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

PROGRAM = Path(sys.executable).parent / "orderlane"
START_SECONDS_MAX = 60
END_SECONDS_MAX = 20
SAMPLE_SECONDS = 0.25


class ProcessFailed(Exception):
    """A process under measurement did not start, or ended too early: says what it wrote."""


class Running:
    """One process under measurement, by the name under which the figures show it."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        self.name, self.process, self.log = name, process, log
        self.measured = psutil.Process(process.pid)

    async def read_line(self) -> str:
        """The next line that it prints. Raises ProcessFailed when it ends instead."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS_MAX):
            line = await self.process.stdout.readline()
        if not line:
            raise ProcessFailed(f"{self.name} ended:\n{self.log.read_text()[-4000:]}")
        return line.decode().strip()

    async def read_announcement(self, event: str) -> dict[str, Any]:
        """The facts of the announcement that it makes when it is ready."""
        while True:
            facts = msgspec.json.decode(await self.read_line(), type=dict[str, Any])
            if facts["event"] == event:
                return facts

    async def end(self) -> None:
        """Ask it to end, and see to it that it does."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_SECONDS_MAX):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start(name: str, folder: Path, *command: str | Path, environment: Mapping[str, str]) -> Running:
    """Start a process; what it logs goes to a file in `folder`."""
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    return Running(name, process, log)


async def answer_of(folder: Path, *command: str | Path, environment: Mapping[str, str], told: bytes = b"") -> bytes:
    """Run a command to its end; what it prints. Raises ProcessFailed."""
    running = await start("command", folder, *command, environment=environment)
    printed, _ = await running.process.communicate(told)
    if running.process.returncode != 0:
        raise ProcessFailed(f"{' '.join(map(str, command))}:\n{running.log.read_text()[-4000:]}\n{printed.decode()}")
    return printed


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process and of those of its children that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def machine_seconds() -> float:
    """Processor time of everything that runs on the machine."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


class Meter:
    """Processor time and peak memory of processes between two moments, PostgreSQL's with all of its children.

    When it is stopped, `seconds` is how long it took, and `cpu_seconds` has the processor time by name; `machine` is
    that of everything on the machine.
    """

    def __init__(self, processes: Mapping[str, psutil.Process], postmaster: psutil.Process) -> None:
        self._began = time.monotonic()
        self._machine = -machine_seconds()
        self._processes = processes
        self._postmaster = postmaster
        self._cpu = {name: -cpu_seconds(one) for name, one in processes.items()}
        self._server_cpu = -self._server_seconds()
        self.memory_peak_bytes = dict.fromkeys([*processes, "postgresql"], 0)
        self._sampling = asyncio.create_task(self._sample())

    async def stop(self) -> None:
        """End the measurement."""
        self._sampling.cancel()
        with suppress(asyncio.CancelledError):
            await self._sampling
        used = {name: round(begun + cpu_seconds(self._processes[name]), 3) for name, begun in self._cpu.items()}
        self.seconds = time.monotonic() - self._began
        server = round(self._server_cpu + self._server_seconds(), 3)
        self.cpu_seconds = {**used, "postgresql": server, "machine": round(self._machine + machine_seconds(), 3)}

    def _server_seconds(self) -> float:
        total = cpu_seconds(self._postmaster)
        for child in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):
                total += cpu_seconds(child)
        return total

    async def _sample(self) -> None:
        while True:
            for name, process in self._processes.items():
                self._note(name, process.memory_info().rss)
            self._note("postgresql", self._server_memory())
            await asyncio.sleep(SAMPLE_SECONDS)

    def _server_memory(self) -> int:
        """What the server's processes have of their own, and what they share, once."""
        own, shared = 0, 0
        for process in [self._postmaster, *self._postmaster.children()]:
            with suppress(psutil.NoSuchProcess):
                memory = process.memory_info()
                own += memory.rss - memory.shared
                shared = max(shared, memory.shared)
        return int(own + shared)

    def _note(self, name: str, size: int) -> None:
        self.memory_peak_bytes[name] = max(self.memory_peak_bytes[name], size)
