"""What people say of single rows: a decision per line of `data/curation.jsonl`, which git keeps."""
