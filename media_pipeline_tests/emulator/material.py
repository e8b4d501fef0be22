"""Bytes to upload: small pictures, films and sounds, made when they are needed.

Belongs here: encoding. Not here: uploading, see conftest.
"""

from __future__ import annotations

import io
import wave
from fractions import Fraction
from functools import cache

import av
from PIL import Image


@cache
def picture(width: int = 8, height: int = 6, colour: str = "red", kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(target, kind)
    return target.getvalue()


@cache
def sound(seconds: float = 0.5) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(int(seconds * 8000) * 4))
    return target.getvalue()


@cache
def film(width: int = 64, height: int = 48, frames: int = 10) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame(width, height, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
