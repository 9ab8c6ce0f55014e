"""Engines that any role may name: each module is one, by its `ENGINE`. What several share lies outside."""
