"""The steps of the system test, in their order. Each brings the stand to where it begins, so each can be run alone."""

from steps import daemon, devices, doctor, network, package, power

ALL = [
    package.install,
    package.main,
    devices.camera,
    devices.camera_moves,
    devices.camera_busy,
    devices.camera_stream,
    devices.microphone,
    network.broker,
    network.cable,
    package.reload,
    daemon.kill,
    daemon.stop,
    daemon.hang,
    daemon.clock,
    doctor.doctor,
    power.cut,
    power.readonly,
    package.upgrade,
    package.journal,
    package.purge,
]
