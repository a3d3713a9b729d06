"""Worlds: pure batched functions of state and action, and the Gymnasium environments made of them."""
