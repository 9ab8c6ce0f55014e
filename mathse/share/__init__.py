"""What leaves the project and comes back: `mathse export`, `mathse import`, and the cards of models and data sets.

An export is a folder that explains itself and that others' tools open as it is:

    README.md             dataset card: metadata, composition, licences, how to reproduce it      dataset_card
    data/train-*.parquet  the rows, images inside (`columns.SharedRow`)                           rows, shards
    dataset_info.json     the same for LLaMA-Factory                                              export
    croissant.json        the same for Croissant                                                  croissant
    lineage.json          commit, hashes, models, prompts, sources                                provenance
    excluded.jsonl        rows that stayed at home, each with its licence and the reason          export
    SHA256SUMS            checked by `sha256sum -c` and by `mathse import`                        folder

`selection` says which rows leave; `sealing` makes whole what somebody edited; `importing` takes such a folder in as a
source, `returning` its corrections of this project's own paths; `hub` pushes one; `cards` has what the cards of data
sets and models share.
"""
