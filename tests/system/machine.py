"""A virtual ARM machine on a copy of the image's disk: power, cable, commands inside.

It is reached at 10.86.0.2 over a tap device; this side is 10.86.0.1. Both, and everything started here, live in a network and a
process namespace of their own (see `run`), so nothing reaches the outside and nothing stays behind.
"""

import json
import os
import shlex
import socket
import subprocess
import time
from pathlib import Path

ADDRESS = "10.86.0.2"
BESIDE = "10.86.0.1"

# The microphone with a mixer is there once its driver is loaded.
KERNEL = (
    "root=LABEL=kiosk rw console=ttyAMA0 loglevel=4 systemd.show_status=no panic=5 modprobe.blacklist=snd_hda_intel"
)

# A machine on a host that compiles something else takes minutes to boot.
BOOT = 420
# For a command that only asks.
ANSWER = 90


class Failure(Exception):
    """A step found something else than it should; the message says what."""


class Machine:
    def __init__(self, image: Path, directory: Path):
        self.image, self.directory = image, directory
        self.process = None
        directory.mkdir(parents=True, exist_ok=True)
        self.disk = directory / "disk.qcow2"
        base = (image / "disk.qcow2").resolve()
        _tool("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base), str(self.disk))
        _tool("ip", "link", "set", "lo", "up")
        _tool("ip", "tuntap", "add", "dev", "kiosk", "mode", "tap")
        _tool("ip", "address", "add", f"{BESIDE}/24", "dev", "kiosk")
        _tool("ip", "link", "set", "kiosk", "up")

    def boot(self, words: str = "") -> float:
        """Switches it on and waits until systemd has started everything; returns the seconds until a login worked."""
        for name in ("monitor", "ssh"):
            (self.directory / name).unlink(missing_ok=True)
        arguments = [
            *("qemu-system-aarch64", "-name", "kiosk", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "1024"),
            *("-accel", "tcg,thread=multi,tb-size=256", "-display", "none"),
            *("-kernel", str(self.image / "kernel"), "-initrd", str(self.image / "initrd")),
            *("-append", f"{KERNEL} {words}"),
            *("-drive", f"file={self.disk},if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"),
            *("-netdev", "tap,id=cable,ifname=kiosk,script=no,downscript=no"),
            *("-device", "virtio-net-pci,netdev=cable,romfile=", "-device", "virtio-rng-pci"),
            *("-device", "qemu-xhci,id=usb", "-audiodev", "none,id=nowhere"),
            *("-device", "intel-hda,id=hda", "-device", "hda-micro,bus=hda.0,audiodev=nowhere"),
            *("-serial", f"file:{self.directory / 'console'}", "-qmp", "unix:monitor,server=on,wait=off"),
        ]
        started = time.monotonic()
        with open(self.directory / "qemu", "ab") as log:
            self.process = subprocess.Popen(
                arguments, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        while self._ssh("true", timeout=15).returncode != 0:
            if self.process.poll() is not None:
                raise Failure(f"qemu ended: {(self.directory / 'qemu').read_text()[-500:]}")
            if time.monotonic() - started > BOOT:
                raise Failure(f"no login after {BOOT} s:\n{self.console()}")
            time.sleep(1)
        login = time.monotonic() - started
        self.run("systemctl is-system-running --wait || true", timeout=BOOT)
        return login

    def run(self, command: str, timeout: float = ANSWER, check: bool = True) -> str:
        """What a shell command inside says; its failure is one of the step unless `check` is off."""
        done = self._ssh(command, timeout)
        if check and done.returncode != 0:
            raise Failure(f"{command!r} in the machine gave {done.returncode}: {done.stdout}{done.stderr}".strip())
        return done.stdout.strip()

    def succeeds(self, command: str) -> bool:
        return self._ssh(command, ANSWER).returncode == 0

    def spawn(self, command: str) -> subprocess.Popen:
        """A command that goes on inside until it is killed here."""
        return subprocess.Popen(
            self._ssh_arguments(f"exec {command}", "-tt"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def put(self, file: Path, path: str) -> None:
        with open(file, "rb") as content:
            subprocess.run(self._ssh_arguments(f"cat >{shlex.quote(path)}"), stdin=content, check=True, timeout=300)

    def write(self, path: str, text: str) -> None:
        arguments = self._ssh_arguments(f"cat >{shlex.quote(path)}")
        subprocess.run(arguments, input=text.encode(), check=True, timeout=ANSWER)

    def cable(self, state: str) -> None:
        """`in` or `out`: the network cable."""
        self._monitor("set_link", name="cable", up={"in": True, "out": False}[state])

    def speaker(self, state: str) -> None:
        """`in` or `out`: a USB loudspeaker with a mixer."""
        if state == "in":
            self._monitor("device_add", driver="usb-audio", id="speaker", bus="usb.0", audiodev="nowhere")
        else:
            self._monitor("device_del", id="speaker")

    def cut(self) -> None:
        """The plug is pulled; the disk stays as it is in that moment."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def console(self) -> str:
        path = self.directory / "console"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def _ssh_arguments(self, command: str, *options: str) -> list[str]:
        return [
            *("ssh", "-q", "-i", str(self.image / "key"), "-o", "BatchMode=yes", "-o", "ConnectTimeout=8", *options),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ControlMaster=auto"),
            *("-o", f"ControlPath={self.directory / 'ssh'}", "-o", "ControlPersist=yes"),
            *("-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=12", f"root@{ADDRESS}", "--", command),
        ]

    def _ssh(self, command: str, timeout: float) -> subprocess.CompletedProcess:
        # Output goes through files: the first connection stays open in the background and would hold pipes open.
        with open(self.directory / "out", "w+b") as out, open(self.directory / "err", "w+b") as err:
            try:
                code = subprocess.run(
                    self._ssh_arguments(command), stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=timeout
                ).returncode
            except subprocess.TimeoutExpired:
                code = 255
            out.seek(0)
            err.seek(0)
            said, complained = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        return subprocess.CompletedProcess(command, code, said, complained)

    def _monitor(self, verb: str, **arguments) -> None:
        # A relative name: a socket's path has room for 107 bytes.
        here = os.getcwd()
        os.chdir(self.directory)
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(30)
                line.connect("monitor")
                answers = line.makefile()
                answers.readline()
                for command in ({"execute": "qmp_capabilities"}, {"execute": verb, "arguments": arguments}):
                    line.sendall(json.dumps(command).encode() + b"\n")
                    while "return" not in (answer := json.loads(answers.readline())):
                        if "error" in answer:
                            raise Failure(f"qemu refuses {verb}: {answer['error']}")
        finally:
            os.chdir(here)


def _tool(*arguments: str) -> None:
    subprocess.run(arguments, check=True)
