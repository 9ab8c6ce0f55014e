"""Engines that run a local model's folder, named by `inference.engine`: each module is one, by its `ENGINE`."""
