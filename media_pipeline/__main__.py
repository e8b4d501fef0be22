"""``python -m media_pipeline`` and the program ``media-pipeline``.

Belongs here: nothing but the start. Not here: commands (``cli``).
"""

from __future__ import annotations

from media_pipeline.cli import main

if __name__ == "__main__":
    main()
