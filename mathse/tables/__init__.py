"""The rows of every dataset, typed Parquet files of them, and SQL over these."""
