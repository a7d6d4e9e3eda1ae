"""`/merchant`: stock, orders, demand and deliveries, and who may see them."""
