"""Texts: each is encoded once, and is a vector from then on."""
