"""Adapters: one module per data set, named as `params.yaml` and `licences.yaml` name it; each declares an `ADAPTER`.

The folder is the registry: `mathse.params.sources.adapter_names` lists it, `mathse.sources.registry` opens it. What
several adapters share lies outside: `mathse.sources.chat`, `geometry_pickles`, `mavis`.
"""
