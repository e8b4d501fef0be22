"""Short films and sounds of the sample library, small but really playable.

Belongs here: a camera moving over a scene, tones put together by arithmetic, and their encoding.
Not here: what a scene shows (sample_scenes).

Encoders run on one thread and in FFmpeg's bit-exact mode, without which a WebM or OGG file carries random
numbers. The H.264 encoder is the same on every run only if it does not weigh macroblocks by their future
(mbtree) and both sides are multiples of 16, the VP8 encoder only if it is not
told to keep up with the clock (deadline realtime). Cloudinary keeps sounds under the resource type video.
"""

from __future__ import annotations

import io
import math
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

from media_pipeline.emulator.sample_brush import Brush
from media_pipeline.emulator.sample_drawing import Palette, Size
from media_pipeline.emulator.sample_scenes import Scene

FILM_FORMATS: Final = ("mp4", "webm")
SOUND_FORMATS: Final = ("wav", "mp3", "ogg", "m4a", "flac")

_EXACT: Final = {"fflags": "+bitexact"}
_STREAM_OPTIONS: Final = {"flags": "+bitexact", "threads": "1"}
_VIDEO_CODECS: Final = {
    "mp4": ("libx264", {"preset": "veryfast", "crf": "27", "x264-params": "mbtree=0"}),
    "webm": ("libvpx", {"deadline": "good", "cpu-used": "5", "crf": "18", "b": "900k"}),
}
_AUDIO_CODECS: Final = {
    "mp4": ("aac", 44_100),
    "webm": ("libopus", 48_000),
    "wav": ("pcm_s16le", 16_000),
    "mp3": ("libmp3lame", 44_100),
    "ogg": ("libopus", 48_000),
    "m4a": ("aac", 44_100),
    "flac": ("flac", 16_000),
}
_CONTAINERS: Final = {"m4a": "ipod"}
_TONE_RATE: Final = 16_000

Move = Literal["pan", "rise", "zoom"]


@dataclass(frozen=True, slots=True)
class Note:
    """A tone that starts ``at_seconds``, rings and fades."""

    at_seconds: float
    hertz: float
    seconds: float
    loudness: float = 0.3


def melody(tune: Sequence[int], *, root: float = 261.63, beat_seconds: float = 0.32) -> list[Note]:
    """Notes for half-tone steps above ``root``, each with a soft fifth below it."""
    notes = []
    for place, step in enumerate(tune):
        hertz = root * 2 ** (step / 12)
        notes.append(Note(place * beat_seconds, hertz, beat_seconds * 2.4, 0.3))
        if place % 2 == 0:
            notes.append(Note(place * beat_seconds, hertz / 1.5, beat_seconds * 3, 0.14))
    return notes


def bells(rng: random.Random, count: int, *, every_seconds: float = 0.6) -> list[Note]:
    """The chime of the town hall: ``count`` strokes with their overtones."""
    hertz = rng.choice((196.0, 220.0, 246.9))
    return [
        Note(place * every_seconds, hertz * overtone, 1.8 / overtone + 0.4, 0.26 / overtone)
        for place in range(count)
        for overtone in (1.0, 2.0, 2.4, 4.5)
    ]


def sea(rng: random.Random, seconds: float) -> array[int]:
    """Waves on the pier: noise that swells and falls back."""
    samples, last = array("h"), 0.0
    for place in range(int(seconds * _TONE_RATE)):
        last += (rng.random() - 0.5 - last) * 0.12
        swell = 0.55 + 0.45 * math.sin(place / _TONE_RATE * 1.9)
        samples.append(int(26_000 * last * swell))
    return samples


def sound(notes: Sequence[Note], seconds: float) -> array[int]:
    """Mix notes to mono samples, 16,000 a second."""
    mixed = [0.0] * int(seconds * _TONE_RATE)
    for note in notes:
        start = int(note.at_seconds * _TONE_RATE)
        length = int(note.seconds * _TONE_RATE)
        # A fading sine by recursion: two multiplications a sample instead of a sine and an exponential.
        turn, fade = math.tau * note.hertz / _TONE_RATE, math.exp(-5.0 / length)
        swing, damping = 2 * fade * math.cos(turn), -fade * fade
        before, value = 0.0, note.loudness * fade * math.sin(turn)
        for place in range(start, min(start + length, len(mixed))):
            mixed[place] += value
            before, value = value, swing * value + damping * before
    loudest = max(map(abs, mixed))
    volume = 24_000 / max(1.0, loudest)
    return array("h", [int(volume * value) for value in mixed])


def encode_sound(samples: array[int], format_name: str, *, channels: Literal[1, 2] = 1) -> bytes:
    """A sound file in one of `SOUND_FORMATS`."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=_CONTAINERS.get(format_name, format_name), options=_EXACT) as container:
        stream = _audio_stream(container, format_name, channels)
        _write_sound(container, stream, samples)
    return buffer.getvalue()


def encode_film(
    frames: Iterator[Image.Image],
    format_name: str,
    *,
    frames_per_second: int,
    samples: array[int] | None = None,
) -> bytes:
    """A film in one of `FILM_FORMATS`, with sound if there are samples.

    Args:
        frames: pictures of one size, both sides multiples of 16.
    """
    buffer = io.BytesIO()
    first = next(frames)
    codec, options = _VIDEO_CODECS[format_name]
    with av.open(buffer, "w", format=format_name, options=_EXACT) as container:
        video = cast(
            "VideoStream",
            container.add_stream(codec, rate=frames_per_second, options={**options, **_STREAM_OPTIONS}),
        )
        video.width, video.height, video.pix_fmt = first.width, first.height, "yuv420p"
        video.thread_count = 1
        audio = _audio_stream(container, format_name, 1) if samples is not None else None
        for place, picture in enumerate(_with_first(first, frames)):
            frame = av.VideoFrame.from_bytes(picture.convert("RGBA").tobytes(), picture.width, picture.height)
            frame.pts, frame.time_base = place, Fraction(1, frames_per_second)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and samples is not None:
            _write_sound(container, audio, samples)
    return buffer.getvalue()


def camera(
    rng: random.Random,
    size: Size,
    palette: Palette,
    scene: Scene,
    move: Move,
    *,
    frame_count: int,
    title: str,
) -> Iterator[Image.Image]:
    """Frames of a camera moving over one large drawing; the title stands in the first third."""
    width, height = size
    wide = {"pan": (width * 2, height), "rise": (width, height * 2), "zoom": (width * 2, height * 2)}[move]
    view = scene(rng, wide, palette)
    strip = Brush((width, height // 6), palette.ink)
    strip.text(strip.width / 2, 50, title, 44, palette.paper, anchor="mm", widest=strip.width * 0.9)
    card = strip.finish()
    for place in range(frame_count):
        share = place / max(1, frame_count - 1)
        eased = share * share * (3 - 2 * share)
        match move:
            case "pan":
                left = round(width * eased)
                frame = view.crop((left, 0, left + width, height))
            case "rise":
                top = round(height * (1 - eased))
                frame = view.crop((0, top, width, top + height))
            case "zoom":
                inset = eased * 0.28
                box = (wide[0] * inset, wide[1] * inset, wide[0] * (1 - inset), wide[1] * (1 - inset))
                frame = view.resize(size, Image.Resampling.BILINEAR, box=box)
        if share < 0.4:
            frame.paste(card, (0, round(height * 0.72)))
        yield frame


def _with_first(first: Image.Image, rest: Iterator[Image.Image]) -> Iterator[Image.Image]:
    yield first
    yield from rest


def _audio_stream(container: OutputContainer, format_name: str, channels: Literal[1, 2]) -> AudioStream:
    codec, rate = _AUDIO_CODECS[format_name]
    stream = cast("AudioStream", container.add_stream(codec, rate=rate, options=dict(_STREAM_OPTIONS)))
    stream.layout = "stereo" if channels == 2 else "mono"
    return stream


def _write_sound(container: OutputContainer, stream: AudioStream, samples: array[int]) -> None:
    resampler = av.AudioResampler(
        format=stream.format, layout=stream.layout, rate=stream.rate, frame_size=stream.frame_size or 0
    )
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate, frame.pts, frame.time_base = _TONE_RATE, 0, Fraction(1, _TONE_RATE)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))
