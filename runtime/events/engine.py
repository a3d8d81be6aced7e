"""What an engine is: a name, the events it learns from, and how a batch of them changes its tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import ClassVar
from uuid import UUID

from runtime.data.transactions import EngineTransaction
from runtime.events.catalogue import Payload
from runtime.events.event import Event


class Engine(ABC):
    """Horizontal intelligence: learns from events, writes its own tables, recommends and never decides."""

    name: ClassVar[str]
    subscribes: ClassVar[tuple[type[Payload], ...]]
    blocking: ClassVar[tuple[type[Payload], ...]] = ()
    """Event types whose failure stops the tenant's engine instead of parking the event: later ones build on them."""

    @abstractmethod
    async def apply(self, tx: EngineTransaction, events: Sequence[Event]) -> None:
        """Apply one batch of subscribed events, in order per tenant; called once per event, ever."""

    @abstractmethod
    async def clear(self, tx: EngineTransaction, tenant_id: UUID) -> None:
        """Delete all rows of a tenant, before its log is applied anew."""

    async def roll(self, tx: EngineTransaction, tenant_id: UUID, today: date) -> bool:  # noqa: ARG002
        """Bring a tenant's tables to the day ``today`` (in the tenant's time zone); most engines need no such step.

        False: they are nearer to it, and what remains is for another transaction.
        """
        return True
