"""Libraries and the people who may open them."""
