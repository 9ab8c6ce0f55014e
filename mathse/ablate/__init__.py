"""`mathse ablate`: experiments that change a few params of the default run and compare what comes of it.

experiments/    one YAML file per experiment: a question, and variants with the params that each changes
experiment      reads such a file, and lays a variant's params over those of the run
pipeline        the stages of a run by the key under which the run cache knows them, from dvc.yaml and params
workspace       the clone that a run has while it lasts
run             runs what is missing, seed by seed, and records it
measurement     what a run came to, problem by problem, for reports/ablations/NAME.json (mathse/report/ablations.py)
comparison      means, intervals and paired tests across seeds
text            the tables
forecast        what an experiment would take, variant by variant
"""
