"""Engines: what turns requests into completions. One protocol; each engine is one file and stays small."""
