"""Templates of the review, as package data."""
