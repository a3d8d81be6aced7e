"""What the problem codes of the vertical mean; beside those that every operation may answer."""

from __future__ import annotations

from collections.abc import Mapping

from runtime.web.problem_codes import ProblemCode

CODES: Mapping[str, ProblemCode] = {
    "alert_closed": ProblemCode((409,), "The product has no such open alert."),
    "bundle_not_found": ProblemCode((404,), "The store has no such bundle, or no longer."),
    "customer_not_found": ProblemCode((404,), "The store has no such customer."),
    "deliveries_open": ProblemCode(
        (409,), "The route still has deliveries that are neither delivered nor failed; see `delivery_ids`."
    ),
    "discount_limit": ProblemCode(
        (403,), "More discount than the role may give or approve; see `limit_percent`."
    ),
    "discount_not_approved": ProblemCode(
        (409,), "The quote's discounts wait for approval or were denied; see `discount_approval`."
    ),
    "document_taken": ProblemCode((409,), "Somebody else in the store has this CPF or CNPJ."),
    "driver_not_found": ProblemCode((404,), "The store has no such driver."),
    "email_taken": ProblemCode((409,), "The store has a user with this address."),
    "empty": ProblemCode((422,), "There is no file in the request."),
    "insufficient_stock": ProblemCode((409,), "There is not enough stock; see `products`."),
    "last_owner": ProblemCode((409,), "The store would be left without an active owner."),
    "leaves_by_delivery": ProblemCode(
        (409,), "Parts of an order that is delivered leave with its deliveries."
    ),
    "location_not_found": ProblemCode((404,), "The store has no such location."),
    "lots_on_hand": ProblemCode((409,), "The product still has stock in lots."),
    "more_than_ordered": ProblemCode((409,), "More goods arrived than were ordered and are still due."),
    "name_taken": ProblemCode((409,), "Another of these has the name."),
    "negative_stock": ProblemCode((409,), "The product has less than nothing somewhere; count it first."),
    "no_driver": ProblemCode((409,), "Nobody is said to drive the route."),
    "no_forecast": ProblemCode((404,), "The product has never been sold."),
    "no_headings": ProblemCode((422,), "The file's first row names no column that is known."),
    "no_suggestion": ProblemCode((409,), "There is no open suggestion for the product."),
    "not_a_table": ProblemCode((422,), "The file is neither CSV nor XLSX."),
    "not_acceptable": ProblemCode((406,), "The Accept header asks for another type than is answered."),
    "not_an_image": ProblemCode((422,), "The content is no readable JPEG, PNG or WebP image."),
    "not_ordered": ProblemCode((404,), "The purchase order has no such product."),
    "not_your_route": ProblemCode((403,), "A driver works on routes of their own only."),
    "list_not_allowed": ProblemCode((403,), "An export takes the permission to see the list, too."),
    "nothing_loaded": ProblemCode((409,), "The route has no delivery."),
    "nothing_owed": ProblemCode((409,), "Everything of the order is in a delivery already."),
    "nothing_to_count": ProblemCode((409,), "Nothing that is in the count would be counted."),
    "on_its_way": ProblemCode((409,), "A vehicle is out with more of an order that has left in part."),
    "open_orders": ProblemCode((409,), "The customer still has orders that are under way."),
    "order_not_found": ProblemCode((404,), "The store has no such order."),
    "other_place": ProblemCode((409,), "The order goes to another customer or place than the delivery."),
    "plan_outdated": ProblemCode(
        (409,), "Deliveries changed while the day was being planned; plan it again."
    ),
    "plate_taken": ProblemCode((409,), "Another vehicle has this plate."),
    "product_not_found": ProblemCode((404,), "The store has no such product."),
    "site_not_found": ProblemCode((404,), "The store has no such site."),
    "sku_taken": ProblemCode((409,), "Another product of the store has this SKU."),
    "slug_taken": ProblemCode((409,), "There is a store with this slug."),
    "supplier_inactive": ProblemCode((409,), "The supplier takes no orders at present."),
    "supplier_not_found": ProblemCode((404,), "The store has no such supplier."),
    "too_large_unpacked": ProblemCode((422,), "The spreadsheet unpacks to more than is taken."),
    "too_many_images": ProblemCode((409,), "The delivery has as many images as it may."),
    "too_many_occurrences": ProblemCode((409,), "The delivery has as many occurrences as it may."),
    "too_many_pixels": ProblemCode((422,), "The image has more pixels than are taken."),
    "too_many_rows": ProblemCode((422,), "The file has more rows than are taken at once."),
    "unreadable": ProblemCode((422,), "The file is damaged, or not in the encoding of its kind."),
    "unit_in_use": ProblemCode(
        (409,), "The product is counted in its unit already, which cannot change any more."
    ),
    "vehicle_not_found": ProblemCode((404,), "The store has no such vehicle."),
    "webhook_limit": ProblemCode((409,), "The store has as many webhooks as it may have."),
}
