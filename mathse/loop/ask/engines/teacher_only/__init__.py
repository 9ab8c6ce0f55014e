"""Engines that only the teacher may name: each module is one, by its `ENGINE`."""
