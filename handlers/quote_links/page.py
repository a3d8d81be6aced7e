"""The page behind a public link: no script, nothing from elsewhere, two buttons."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from handlers.quote_links.document import QuoteDocument
from handlers.quote_links.qr import qr_png

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:1.5rem auto;padding:0 1rem;color:#1c2430}
table{border-collapse:collapse;width:100%}td,th{padding:.35rem .4rem;border-bottom:1px solid #dde;text-align:right}
td:first-child,th:first-child{text-align:left}
button{font:inherit;padding:.6rem 1.2rem;border-radius:6px;border:1px solid}
.yes{background:#1a7f4b;color:#fff}.no{background:#fff;color:#8a1f1f}form{display:inline-block;margin:1rem .6rem 0 0}
code{overflow-wrap:anywhere;font-size:.8rem}.logo{display:block;width:auto;height:auto;max-width:15rem;max-height:5rem}
.state{padding:.2rem .6rem;border-radius:4px;background:#eef}
"""

_STATES = {
    "draft": ("em elaboração", "being written"),
    "sent": ("aguardando sua resposta", "waiting for your answer"),
    "approved": ("aprovado", "approved"),
    "converted": ("virou pedido", "ordered"),
    "rejected": ("recusado", "rejected"),
    "cancelled": ("cancelado", "cancelled"),
    "expired": ("vencido", "expired"),
}


def render_page(document: QuoteDocument, path: str) -> str:
    """The HTML; the forms post to ``path``/accept and ``path``/reject, the logo lies at ``path``/logo."""
    say = document.say
    rows = "".join(
        f"<tr><td>{html.escape(item['name'])}{_promised(document, item)}<td>{html.escape(document.amount(item))}"
        f"<td>{html.escape(document.price(item))}<td>{html.escape(document.money(item['line_total']))}"
        for item in document.items
    )
    discount = (
        f"<tr><td colspan=3>{say('Desconto', 'Discount')}<td>{html.escape(document.money(-document.discount))}"
        if document.discount != Decimal(0)
        else ""
    )
    return (
        f"<!doctype html><html lang={'en' if document.locale == 'en' else 'pt-BR'}><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'><meta name=robots content=noindex>"
        f"<title>{html.escape(document.number)} · {html.escape(document.store)}</title><style>{_STYLE}</style>"
        f"{_logo(document, path)}<h1>{html.escape(document.store)}</h1>"
        f"<p>{say('Orçamento', 'Quote')} <b>{html.escape(document.number)}</b> "
        f"<span class=state>{say(*_STATES[document.status])}</span><br>{html.escape(document.customer)}"
        f"{' · ' + html.escape(document.site) if document.site else ''}<br>"
        f"{say('Válido até', 'Valid until')} {document.last_day}</p>"
        f"<table><tr><th>{say('Produto', 'Product')}<th>{say('Quantidade', 'Quantity')}<th>{say('Preço', 'Price')}"
        f"<th>Total{rows}{discount}<tr><th>Total<th><th><th>{html.escape(document.money(document.total))}</table>"
        + (f"<p>{html.escape(document.notes)}</p>" if document.notes else "")
        + f"<p><a href='{path}/pdf'>PDF</a></p>"
        + _pix(document)
        + _answers(document, path)
    )


def _logo(document: QuoteDocument, path: str) -> str:
    if document.logo is None:
        return ""
    size = f"width={document.logo.width} height={document.logo.height}"
    return f"<img class=logo alt='{html.escape(document.store)}' {size} src='{path}/logo'>"


def _promised(document: QuoteDocument, item: Mapping[str, Any]) -> str:
    text = document.promised(item)
    return f"<br><small>{html.escape(text)}</small>" if text else ""


def _answers(document: QuoteDocument, path: str) -> str:
    if not document.can_be_answered:
        return ""
    say = document.say
    return (
        f"<form method=post action='{path}/accept'><button class=yes>{say('Aceitar', 'Accept')}</button></form>"
        f"<form method=post action='{path}/reject'><button class=no>{say('Recusar', 'Reject')}</button></form>"
    )


def _pix(document: QuoteDocument) -> str:
    if document.pix is None:
        return ""
    image = base64.b64encode(qr_png(document.pix)).decode()
    title = document.say("Pague com PIX", "Pay with PIX")
    return (
        f"<h2>{title}</h2><img alt='PIX' width=240 src='data:image/png;base64,{image}'>"
        f"<p><code>{html.escape(document.pix)}</code></p>"
    )
