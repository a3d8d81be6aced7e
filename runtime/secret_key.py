"""What makes a SECRET_KEY too weak to sign with, and the key a development machine makes for itself."""

from __future__ import annotations

import itertools
import math
import os
import re
import secrets
from collections import Counter
from pathlib import Path

_MIN_BYTES = 32
_MIN_BITS = 96.0
_MIN_DISTINCT = 0.7
"""Of its runs of three characters; of a random key nearly all differ."""
_WELL_KNOWN = re.compile(
    r"change.?(me|this|it)|your.{0,12}(key|jwt)|secret|password|insecure|default|example|placeholder|"
    r"replace.?(me|this)|basecommerce|development|256.?bit|qwerty|asdfgh|zxcvbn|"
    r"quick.?brown|lorem.?ipsum|correct.?horse|keyboard.?cat|"
    # the key of a widely copied web framework tutorial
    r"09d25e094faa6ca2556c818166b7a956",
    re.IGNORECASE,
)


def weakness(key: str) -> str | None:
    """Why this key must not sign anything, or None. Judges what can be seen: length, known words, variety."""
    if len(key.encode()) < _MIN_BYTES:
        return f"shorter than {_MIN_BYTES} bytes"
    if _WELL_KNOWN.search(key):
        return "a well-known or placeholder value"
    if _is_pattern(key) or _bits(key) < _MIN_BITS:
        return "too regular to be random"
    return None


def development_key(home: Path) -> str:
    """The random key of this machine's development copy, made on first use and readable by its owner only."""
    path = home / "secret_key"
    home.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        own = home / f"secret_key.{os.getpid()}"
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            # Linking is atomic and never replaces: two processes starting at once both read the winner's key.
            path.hardlink_to(own)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    return path.read_text().strip()


def _bits(key: str) -> float:
    """Shannon entropy of the characters times the length: 32 random hex digits have about 117 bits."""
    counts = Counter(key)
    return -sum(count * math.log2(count / len(key)) for count in counts.values())


def _is_pattern(key: str) -> bool:
    """A short string repeated (``abc-abc-a``), or steps that hardly vary (``abcdef``, ``13579``)."""
    runs = [key[at : at + 3] for at in range(len(key) - 2)]
    repeated = len(set(runs)) < _MIN_DISTINCT * len(runs)
    steps = {ord(second) - ord(first) for first, second in itertools.pairwise(key)}
    return repeated or len(steps) < 8
