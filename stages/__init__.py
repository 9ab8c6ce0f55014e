"""One thin script a DVC stage: read its params, call mathse, write its tables."""
