"""What leaves the project and comes back: `mathse export`, `mathse import`, and the cards of models and data sets.

An export is a folder that explains itself and that others' tools open as it is:

    README.md             dataset card: metadata, composition, licences, how to reproduce it
    data/train-*.parquet  the rows, images inside (`columns.SharedRow`)
    dataset_info.json     the same for LLaMA-Factory
    croissant.json        the same for Croissant
    lineage.json          commit, hashes, models, prompts, sources
    excluded.jsonl        rows that stayed at home, each with its licence and the reason
    SHA256SUMS            checked by `sha256sum -c` and by `mathse import`
"""
