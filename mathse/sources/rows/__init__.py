"""A source's rows: what one is and becomes (`raw`), how its fields are read (`fields`), its question (`questions`)."""
