"""Hearing, measured."""
