"""What the engines advise, as the store reads and answers it: stock, sales, pricing, delivery."""

from handlers.insights import (
    customers,
    delivery,
    forecast,
    pricing,
    pricing_alerts,
    sales,
    sales_answers,
    stock,
    stock_answers,
)

routes = (
    delivery.routes,
    pricing.routes,
    pricing_alerts.routes,
    stock.routes,
    stock_answers.routes,
    forecast.routes,
    sales.routes,
    customers.routes,
    sales_answers.routes,
)
