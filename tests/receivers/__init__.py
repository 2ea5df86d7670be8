"""Strict local receivers that behave as the platforms do, written apart from the code that they test."""
