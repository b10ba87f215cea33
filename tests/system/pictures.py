"""What the stage sees: a JPEG as pixels, and whether it is the test pattern of the virtual camera."""

import base64
import subprocess

# vivid's pattern: vertical bars of these colours at 75 %, with lines of text over them.
BARS = {
    "grey": (191, 191, 191), "yellow": (191, 191, 0), "cyan": (0, 191, 191), "green": (0, 191, 0),
    "magenta": (191, 0, 191), "red": (191, 0, 0), "blue": (0, 0, 191), "black": (0, 0, 0),
}  # fmt: skip
# So far may a channel be off after two lossy codecs.
OFF = 48
# A bar covers an eighth of the picture.
SHARE = 0.05


class Picture:
    def __init__(self, snapshot: dict):
        jpeg = base64.b64decode(snapshot["data"])
        self.width, self.height = snapshot["width"], snapshot["height"]
        pipeline = "fdsrc ! jpegparse ! jpegdec ! videoconvert ! video/x-raw,format=RGBx ! fdsink"
        decoded = subprocess.run(["gst-launch-1.0", "-q", *pipeline.split()], input=jpeg, capture_output=True, check=True)
        pixels = decoded.stdout
        # One pixel in 64 says enough.
        step = range(0, self.width * self.height, 61)
        self.sample = [tuple(pixels[4 * at : 4 * at + 3]) for at in step]

    def bars(self) -> set:
        """The colours of the pattern that are there."""

        def share(colour):
            near = sum(all(abs(a - b) < OFF for a, b in zip(pixel, colour)) for pixel in self.sample)
            return near / len(self.sample)

        return {name for name, colour in BARS.items() if share(colour) > SHARE}

    def is_pattern(self) -> bool:
        return len(self.bars()) >= 7

    def difference(self, other: "Picture") -> float:
        """How much a pixel differs on average, 0 to 255."""
        channels = [abs(a - b) for one, two in zip(self.sample, other.sample) for a, b in zip(one, two)]
        return sum(channels) / len(channels)
