"""A quote as its customer reads it: the facts, made once, for the page, the PDF and the message alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from handlers.pix import br_code
from handlers.quotes.availability import Availability
from handlers.settings import TenantSettings
from handlers.store_logo import Logo
from runtime.web.call import Tenant


@dataclass(frozen=True, slots=True)
class QuoteDocument:
    """What is shown; ``pix`` is the payment text, absent when the store has no PIX key."""

    store: str
    locale: str
    number: str
    status: str
    customer: str
    site: str | None
    valid_until: datetime
    notes: str
    items: tuple[Mapping[str, Any], ...]
    subtotal: Decimal
    discount: Decimal
    total: Decimal
    pix: str | None
    availability: Mapping[int, Availability]
    logo: Logo | None

    @classmethod
    def of(
        cls,
        tenant: Tenant,
        body: str,
        availability: Sequence[Availability] = (),
        logo: Logo | None = None,
    ) -> QuoteDocument:
        """From the quote's JSON, and from when its lines can be had, if that is to be shown; days are the store's."""
        quote = orjson.loads(body)
        settings: TenantSettings = tenant.settings
        total = Decimal(quote["total"])
        pix = None
        if settings.pix_key:
            pix = br_code(
                key=settings.pix_key,
                name=tenant.name,
                city=settings.pix_city,
                amount=total,
                reference=quote["number"],
            )
        return cls(
            store=tenant.name,
            locale=tenant.locale,
            number=quote["number"],
            status=quote["status"],
            customer=quote["customer_name"],
            site=quote["site_name"],
            valid_until=datetime.fromisoformat(quote["valid_until"]).astimezone(ZoneInfo(tenant.time_zone)),
            notes=quote["notes"],
            items=tuple(quote["items"]),
            subtotal=Decimal(quote["subtotal"]),
            discount=Decimal(quote["discount_amount"]),
            total=total,
            pix=pix,
            availability={line.position: line for line in availability},
            logo=logo,
        )

    @property
    def can_be_answered(self) -> bool:
        """Whether the customer may still accept or reject it."""
        return self.status == "sent"

    def say(self, portuguese: str, english: str) -> str:
        """The one of the two sentences that this store's customers read."""
        return english if self.locale == "en" else portuguese

    def money(self, amount: Decimal | str) -> str:
        """An amount in BRL as people write it."""
        return format_currency(Decimal(amount), "BRL", locale=_babel(self.locale))

    def quantity(self, amount: str) -> str:
        """A quantity without trailing zeros."""
        return format_decimal(Decimal(amount), format="#,##0.###", locale=_babel(self.locale))

    def amount(self, item: Mapping[str, Any]) -> str:
        """How much of an item, in the unit it is sold in and, when that is another, the one it is counted in."""
        sold = f"{self.quantity(item['quantity'])} {item['unit']}"
        if item["unit"] == item["stock_unit"]:
            return sold
        return f"{sold} ({self.quantity(item['stock_quantity'])} {item['stock_unit']})"

    def price(self, item: Mapping[str, Any]) -> str:
        """The unit price, with the unit it is for when that is not the one the item is sold in."""
        price = self.money(item["unit_price"])
        return price if item["price_unit"] == item["unit"] else f"{price}/{item['price_unit']}"

    def promised(self, item: Mapping[str, Any]) -> str:
        """From when the line can be had, in words; empty when that is not shown."""
        line = self.availability.get(item["position"])
        if line is None:
            return ""
        if line.complete_on is None:
            return self.say("Pronta entrega", "Available now")
        day = format_date(line.complete_on, format="short", locale=_babel(self.locale))
        if not line.now:
            return self.say(f"Previsto para {day}", f"Expected on {day}")
        now = f"{self.quantity(str(line.now))} {item['stock_unit']}"
        return self.say(f"{now} à pronta entrega, restante em {day}", f"{now} now, the rest on {day}")

    @property
    def last_day(self) -> str:
        """The last day of validity."""
        return format_date(self.valid_until.date(), format="short", locale=_babel(self.locale))

    def message(self, url: str) -> str:
        """The text to send by WhatsApp, where asterisks make bold; some milliseconds of CPU for a long quote."""
        lines = [
            f"*{self.store}*",
            self.say(
                f"Orçamento {self.number} para {self.customer}", f"Quote {self.number} for {self.customer}"
            ),
            "",
        ]
        lines += [
            f"• {self.amount(item)} {item['name']}: {self.money(item['line_total'])}" for item in self.items
        ]
        lines += [
            "",
            f"*Total: {self.money(self.total)}*",
            self.say(f"Válido até {self.last_day}", f"Valid until {self.last_day}"),
            self.say(f"Veja e responda: {url}", f"See and answer: {url}"),
        ]
        return "\n".join(lines)


def _babel(locale: str) -> str:
    return "en" if locale == "en" else "pt_BR"
