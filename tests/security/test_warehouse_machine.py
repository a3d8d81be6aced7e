"""A warehouse as a machine of chance sees it: lots, two places, counts, purchases that come in and orders that leave in
parts, and goods that come back. Whatever happens, every quantity is somewhere."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, rule

from runtime.data.database import Database
from tests.security.machines import Machine, run_machine
from tests.support.stores import ApiClient

PRODUCTS = ("brick", "mortar")
IN_LOTS = "mortar"
PLACES = ("shop", "shed")
PRODUCT = st.sampled_from(PRODUCTS)
PLACE = st.sampled_from(PLACES)
QUANTITY = st.sampled_from(("1", "2.5", "0.125", "7", "40"))
Quantities = dict[str, Decimal]


class Warehouse(Machine):
    """The model: what lies where, and of each order what was sold, what has left and what came back, by product."""

    orders: Bundle[str] = Bundle("orders")
    purchases: Bundle[str] = Bundle("purchases")

    def __init__(self) -> None:
        super().__init__()
        self.products: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.on_hand: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self.sold: dict[str, Quantities] = {}
        self.left: dict[str, Quantities] = {}
        self.returned: dict[str, Quantities] = {}
        self.items: dict[str, dict[str, str]] = {}
        self.cancelled: set[str] = set()
        self.ordered: dict[str, Quantities] = {}
        self.received: dict[str, Quantities] = {}
        self.closed: set[str] = set()

    @initialize()
    def open(self) -> None:
        type(self).number += 1
        self.customer = self.make("customers", {"kind": "company", "name": f"Builder {self.number}"})
        self.supplier = self.make("suppliers", {"name": f"Supplier {self.number}"})
        for name in PRODUCTS:
            sku = f"{name}-{self.number}"
            self.products[name] = self.make(
                "products", {"sku": sku, "name": sku, "unit": "KG", "base_price": "3.33"}
            )
        self.ask("POST", f"products/{self.products[IN_LOTS]}/keep-lots")
        shop = next(
            place for place in self.ask("GET", "locations?limit=200")[1]["items"] if place["is_default"]
        )
        self.places = {"shop": shop["id"], "shed": self.make("locations", {"name": f"Shed {self.number}"})}

    @rule(product=PRODUCT, place=PLACE, quantity=QUANTITY, lot=st.sampled_from(("A", "B")))
    def receive(self, product: str, place: str, quantity: str, lot: str) -> None:
        body = {
            "kind": "receipt",
            "quantity": quantity,
            **self._of(product),
            "location_id": self.places[place],
        }
        status, content = self.ask("POST", "stock/movements", body | self._lot(product, lot))
        assert status == 201, content
        self.on_hand[product, place] += Decimal(quantity)

    @rule(product=PRODUCT, place=PLACE, quantity=QUANTITY)
    def lose(self, product: str, place: str, quantity: str) -> None:
        body = {"kind": "loss", "quantity": quantity, **self._of(product), "location_id": self.places[place]}
        status, content = self.ask("POST", "stock/movements", body)
        assert status in (201, 409), content
        if status == 201:
            self.on_hand[product, place] -= Decimal(quantity)

    @rule(product=PRODUCT, quantity=QUANTITY, outwards=st.booleans())
    def transfer(self, product: str, quantity: str, outwards: bool) -> None:
        source, target = PLACES if outwards else PLACES[::-1]
        body = {
            "from_location_id": self.places[source],
            "to_location_id": self.places[target],
            "items": [{**self._of(product), "quantity": quantity}],
        }
        status, content = self.ask("POST", "stock/transfers", body)
        assert status in (204, 409), content
        if status == 204:
            self.on_hand[product, source] -= Decimal(quantity)
            self.on_hand[product, target] += Decimal(quantity)

    @rule(product=PRODUCT, place=PLACE, found=st.sampled_from(("0", "3", "12.5")), booked=st.booleans())
    def count(self, product: str, place: str, found: str, booked: bool) -> None:
        scope = {"location_id": self.places[place], "product_ids": [self.products[product]]}
        status, count = self.ask("POST", "stock/counts", scope)
        if status != 201:
            assert status in (409, 422), count
            return
        counted = {"items": [{**self._of(product), "quantity": found}]}
        status, content = self.ask("POST", f"stock/counts/{count['id']}/record", counted)
        assert status == 200, content
        status, content = self.ask("POST", f"stock/counts/{count['id']}/{'book' if booked else 'cancel'}")
        assert status in (200, 409), content
        if booked and status == 200:
            self.on_hand[product, place] = Decimal(found)
        elif status == 409:
            self.ask("POST", f"stock/counts/{count['id']}/cancel")

    @rule(target=purchases, brick=QUANTITY, mortar=QUANTITY)
    def buy(self, brick: str, mortar: str) -> str:
        wanted = {"brick": Decimal(brick), "mortar": Decimal(mortar)}
        items = [
            {**self._of(name), "quantity": str(quantity), "unit_cost": "2"}
            for name, quantity in wanted.items()
        ]
        purchase = self.make("purchase-orders", {"supplier_id": self.supplier, "items": items})
        self.ask("POST", f"purchase-orders/{purchase}/send")
        self.ordered[purchase], self.received[purchase] = wanted, defaultdict(Decimal)
        return purchase

    @rule(purchase=purchases, product=PRODUCT, quantity=QUANTITY, excess=st.booleans())
    def goods_come_in(self, purchase: str, product: str, quantity: str, excess: bool) -> None:
        item = {**self._of(product), "quantity": quantity} | self._lot(product, "P")
        body = {"items": [item], "allow_excess": excess}
        status, content = self.ask("POST", f"purchase-orders/{purchase}/receive", body)
        assert status in (200, 409, 422), content
        if status == 200:
            self.received[purchase][product] += Decimal(quantity)
            self.on_hand[product, "shop"] += Decimal(quantity)
            if not excess:
                assert self.received[purchase][product] <= self.ordered[purchase][product] or (
                    self.received[purchase][product] == Decimal(quantity)
                )

    @rule(target=orders, brick=QUANTITY, mortar=QUANTITY)
    def sell(self, brick: str, mortar: str) -> str:
        wanted = {"brick": Decimal(brick), "mortar": Decimal(mortar)}
        items = [{**self._of(name), "quantity": str(quantity)} for name, quantity in wanted.items()]
        body = {"customer_id": self.customer, "fulfilment": "pickup", "items": items}
        status, order = self.ask("POST", "orders", body)
        if status != 201:
            assert status == 409, order
            return ""
        for step in ("prepare", "ready"):
            assert self.ask("POST", f"orders/{order['id']}/{step}")[0] == 200
        names = {product: name for name, product in self.products.items()}
        self.items[order["id"]] = {names[item["product_id"]]: item["id"] for item in order["items"]}
        self.sold[order["id"]] = wanted
        self.left[order["id"]], self.returned[order["id"]] = defaultdict(Decimal), defaultdict(Decimal)
        return str(order["id"])

    @rule(order=orders, product=PRODUCT, quantity=QUANTITY)
    def hand_over_a_part(self, order: str, product: str, quantity: str) -> None:
        if not order:
            return
        items = [{"item_id": self.items[order][product], "quantity": quantity}]
        status, content = self.ask("POST", f"orders/{order}/deliver", {"items": items})
        assert status in (200, 409, 422), content
        if status == 200:
            self._has_left(order, product, Decimal(quantity))
            assert self.left[order][product] <= self.sold[order][product]

    @rule(order=orders)
    def hand_over_the_rest(self, order: str) -> None:
        if not order:
            return
        status, content = self.ask("POST", f"orders/{order}/deliver", {})
        assert status in (200, 409), content
        if status == 200:
            assert content["status"] == "delivered"
            for product, quantity in self._open(order).items():
                self._has_left(order, product, quantity)

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        if not order:
            return
        status, content = self.ask("POST", f"orders/{order}/cancel", {})
        assert status in (200, 409), content
        if status == 200:
            self.cancelled.add(order)

    @rule(order=orders, product=PRODUCT, quantity=QUANTITY, restocked=st.booleans())
    def take_back(self, order: str, product: str, quantity: str, restocked: bool) -> None:
        if not order:
            return
        items = [{"item_id": self.items[order][product], "quantity": quantity}]
        body = {"reason": "too many", "restocked": restocked, "items": items}
        status, content = self.ask("POST", f"orders/{order}/returns", body)
        had = self.left[order][product] - self.returned[order][product]
        assert (status == 201) == (Decimal(quantity) <= had), content
        if status == 201:
            self.returned[order][product] += Decimal(quantity)
            if restocked:
                self.on_hand[product, "shop"] += Decimal(quantity)

    @invariant()
    def every_quantity_is_somewhere(self) -> None:
        for name, product in self.products.items():
            _, levels = self.ask("GET", f"stock?product_id={product}&limit=200")
            _, lots = self.ask("GET", f"stock/lots?product_id={product}&limit=200")
            _, ledger = self.ask("GET", f"stock/movements?product_id={product}&limit=200")
            assert ledger["next_cursor"] is None, "a run is shorter than a page"
            for place, location in self.places.items():
                here = [level for level in levels["items"] if level["location_id"] == location]
                on_hand = sum((Decimal(level["on_hand"]) for level in here), Decimal())
                reserved = sum((Decimal(level["reserved"]) for level in here), Decimal())
                assert on_hand == self.on_hand[name, place] >= 0
                assert on_hand == sum(Decimal(line["delta"]) for line in _at(ledger, location))
                assert sum(Decimal(lot["on_hand"]) for lot in _at(lots, location)) <= on_hand
                open_parts = sum((self._open(order)[name] for order in self.sold), Decimal())
                assert reserved == (open_parts if place == "shop" else 0)

    @invariant()
    def the_parts_are_the_order(self) -> None:
        for order, sold in self.sold.items():
            _, shown = self.ask("GET", f"orders/{order}")
            if shown["left_items"]:
                left = {item["item_id"]: Decimal(item["quantity"]) for item in shown["left_items"]}
                assert {self.items[order][name]: self.left[order][name] for name in sold} == {
                    **dict.fromkeys(self.items[order].values(), Decimal()),
                    **left,
                }
            all_left = all(self.left[order][name] == quantity for name, quantity in sold.items())
            assert (shown["status"] == "delivered") == all_left
            if all_left and shown["left_total"] is not None:
                assert shown["left_total"] == shown["total"]

    def _of(self, product: str) -> dict[str, Any]:
        return {"product_id": self.products[product]}

    @staticmethod
    def _lot(product: str, code: str) -> dict[str, Any]:
        return {"lot_code": code, "expires_on": "2999-01-31"} if product == IN_LOTS else {}

    def _open(self, order: str) -> Quantities:
        closed = order in self.cancelled
        return {
            name: Decimal() if closed else quantity - self.left[order][name]
            for name, quantity in self.sold[order].items()
        }

    def _has_left(self, order: str, product: str, quantity: Decimal) -> None:
        self.left[order][product] += quantity
        self.on_hand[product, "shop"] -= quantity


def _at(page: Any, location: str) -> list[Any]:
    return [line for line in page["items"] if line["location_id"] == location]


async def test_whatever_comes_in_moves_leaves_and_comes_back_every_quantity_is_somewhere(
    client: ApiClient, database: Database
) -> None:
    await run_machine(Warehouse, client, database, 4)
