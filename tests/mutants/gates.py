"""Guards of what goes out and comes in (webhooks, files, passwords, the document), and of goods and discounts."""

from __future__ import annotations

from tests.mutants.guard import taken_away

HOOKS = "runtime/events/webhooks/client.py"
HOOK_TESTS = "tests/integration/events/test_webhooks.py"
HANDLERS = "tests/integration/handlers"
IMAGES = (
    f"{HANDLERS}/test_delivery_images.py::test_what_is_no_image_to_be_taken_is_refused_and_leaves_nothing"
)
ABUSE = "tests/security/test_login_abuse.py"
CONTRACT = "tests/integration/web/test_contract.py"

GUARDS = (
    taken_away(
        HOOKS,
        "a webhook never connects to an address that is not public",
        "        if not self._may_reach(target[0]):",
        f"{HOOK_TESTS}::test_no_connection_is_made_to_an_address_that_is_not_public",
        without="        if False:",
    ),
    taken_away(
        HOOKS,
        "an IPv4 address inside an IPv6 one counts as itself",
        "        meant = _meant(address)",
        f"{HOOK_TESTS}::test_no_connection_is_made_to_an_address_that_is_not_public",
        without="        meant = address",
    ),
    taken_away(
        HOOKS,
        "a webhook's redirect is not followed",
        "headers=headers, allow_redirects=False)",
        f"{HOOK_TESTS}::test_a_redirect_is_not_followed",
        without="headers=headers)",
    ),
    taken_away(
        "handlers/pictures.py",
        "an image of too many pixels is never unpacked",
        "    if width * height > MAX_PIXELS or max(width, height) > MAX_RATIO * min(width, height):",
        IMAGES,
        without="    if False:",
    ),
    taken_away(
        "handlers/tables/files.py",
        "a workbook that unpacks to far more than it is is refused",
        "                        if unpacked > MAX_UNPACKED:",
        "tests/unit/handlers/test_price_lists.py",
        without="                        if False:",
    ),
    taken_away(
        "handlers/exports/formats.py",
        "text never becomes a formula",
        '            return f"\'{cell}" if _FORMULA.match(cell) else cell',
        f"{HANDLERS}/test_exports.py::test_text_never_becomes_a_formula",
        without="            return cell",
    ),
    taken_away(
        "runtime/web/passwords.py",
        "so many sign-ins wait and no more",
        "        if self._waiting >= MAX_WAITING:",
        f"{ABUSE}::test_beyond_what_may_wait_a_sign_in_is_refused_at_once_and_room_comes_back",
        f"{ABUSE}::test_people_work_on_while_as_many_guesses_wait_as_may_and_others_are_told_to_come_back",
        without="        if False:",
    ),
    taken_away(
        "runtime/web/passwords.py",
        "hashing is never the loop's work",
        "            return await asyncio.get_running_loop().run_in_executor(self._threads, work)",
        f"{ABUSE}::test_hashing_is_never_the_loops_work_and_only_so_much_goes_on_at_once",
        without="            return work()",
    ),
    taken_away(
        "runtime/web/endpoint.py",
        "nobody sends a megabyte before signing in",
        "        self._largest = MAX_PUBLIC_BODY if operation.public else MAX_BODY\n",
        f"{ABUSE}::test_a_megabyte_of_somebody_who_has_not_signed_in_is_not_even_read",
        without="        self._largest = MAX_BODY\n",
    ),
    taken_away(
        "runtime/data/database.py",
        "a store's share of the connections",
        "            await shares.take(tenant_id, ACQUIRE_TIMEOUT_S)\n",
        "tests/integration/data/test_database.py::test_one_store_cannot_hold_all_connections",
        without="            await Shares(99).take(tenant_id, ACQUIRE_TIMEOUT_S)\n"
        "            shares.give = lambda _: None\n",
    ),
    taken_away(
        "runtime/web/application.py",
        "a fixed address is never taken for an id",
        "    _keep_apart(application, [operation for group in everything for operation in group.operations])\n",
        f"{CONTRACT}::test_a_fixed_address_is_never_taken_for_an_id",
    ),
    taken_away(
        "handlers/stock/lots.py",
        "expired goods are not handed over",
        "        if delta.code is None and lot.past and kind not in PAST_TOO:\n            continue\n",
        f"{HANDLERS}/test_stock_lots.py::test_a_lot_that_has_expired_since_it_was_promised_is_not_handed_over",
    ),
    taken_away(
        "handlers/stock/lots.py",
        "a lot is never below zero",
        "        part = min(wanted, lot.on_hand)\n",
        f"{HANDLERS}/test_stock_lots.py::test_a_lot_is_never_below_zero_even_where_stock_may_be",
        without="        part = wanted\n",
    ),
    taken_away(
        "handlers/orders/quantities.py",
        "no more leaves or comes back of an item than there is",
        "    if own > left[item_id]:",
        f"{HANDLERS}/test_order_parts.py::test_of_two_who_hand_over_the_same_goods_one_does",
        f"{HANDLERS}/test_returns.py::test_no_more_comes_back_than_was_sold_however_many_ask_at_once",
        without="    if False:",
    ),
    taken_away(
        "handlers/quotes/discount_approvals.py",
        "a seller's discount above the limit waits for approval",
        "    if by_role != Role.SELLER:",
        f"{HANDLERS}/test_discount_approvals.py::"
        "test_a_sellers_large_discount_is_kept_and_sent_once_finance_has_approved_it",
        without="    if True:",
    ),
    taken_away(
        "handlers/quotes/discount_approvals.py",
        "only what was looked at is approved",
        '    if quote["version"] != version:',
        f"{HANDLERS}/test_discount_approvals.py::test_only_what_was_looked_at_is_approved",
        without="    if False:",
    ),
    taken_away(
        "handlers/quotes/discount_approvals.py",
        "finance approves up to its own limit",
        "    if approve and by_role == Role.FINANCE and percent > limit:",
        f"{HANDLERS}/test_discount_approvals.py::test_finance_approves_up_to_its_own_limit",
        without="    if False:",
    ),
)
