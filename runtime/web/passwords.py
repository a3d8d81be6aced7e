"""Passwords: Argon2id in a few low-priority threads, so that sign-ins never hold up other requests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import Field

from runtime.errors import RetryLaterError
from runtime.web.problems import field_refused

T = TypeVar("T")

MIN_LENGTH = 10
MAX_LENGTH = 128
MAX_WAITING = 64

# One that is too short is refused by ``check_new_password``, which knows the reader's language.
NewPassword = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_LENGTH,
        json_schema_extra={"minLength": MIN_LENGTH},
        examples=["a long and private sentence"],
    ),
]

_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
_TAIL = re.compile(r"[^a-z]+$")
_NAMES_OF_OURS = ("basecommerce",)


class Passwords:
    """Hashes and verifies passwords (m=19456 KiB, t=2, p=1: about 30 ms of one core each)."""

    def __init__(self, *, threads: int | None = None, memory_kib: int = 19456, rounds: int = 2) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
        )
        self._threads = ThreadPoolExecutor(
            threads or max(1, (os.cpu_count() or 2) // 2), "passwords", initializer=_lower_priority
        )
        self._waiting = 0
        self._dummy = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The encoded hash to store."""
        return await self._run(lambda: self._hasher.hash(password))

    def hash_now(self, password: str) -> str:
        """The same in the calling thread, for commands that have nothing else to do."""
        return self._hasher.hash(password)

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one hashed; without a hash (no such user) False after the same work."""
        matches = await self._run(lambda: self._verify(encoded or self._dummy, password))
        return matches and encoded is not None

    def is_outdated(self, encoded: str) -> bool:
        """True when the hash was made with other parameters than today's and should be made again."""
        return self._hasher.check_needs_rehash(encoded)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, encoded: str, password: str) -> bool:
        try:
            return self._hasher.verify(encoded, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise RetryLaterError("passwords: too many sign-ins at once", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def check_new_password(password: str, *own_words: str, pointer: str = "/password") -> None:
    """Refuse (422) a new password that is short, common, or made of the person's or the store's own name."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise field_refused(
            pointer,
            "password_length",
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.",
            f"A senha deve ter de {MIN_LENGTH} a {MAX_LENGTH} caracteres.",
        )
    plain = password.casefold()
    word = _TAIL.sub("", plain)
    own = {own_word.casefold() for own_word in (*own_words, *_NAMES_OF_OURS) if len(own_word) >= 3}
    if plain in _COMMON or word in _COMMON or word in own or plain in own or len(set(plain)) < 5:
        raise field_refused(
            pointer,
            "password_common",
            "This password is among the first ones anybody would try.",
            "Esta senha está entre as primeiras que alguém tentaria.",
        )


def _lower_priority() -> None:
    # On Linux niceness belongs to the thread; elsewhere it would slow the whole process down.
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
