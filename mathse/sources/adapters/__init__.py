"""Adapters: one module per data set, named as `params.yaml` and `licences.yaml` name it; each declares an `ADAPTER`.

The folder is the registry (`mathse.sources.adapter`). What several adapters share lies outside of it:
`mathse.sources.chat`, `geometry_pickles`, `mavis`.
"""
