"""Looking at a run: what exists, a problem's story, a row's way, what anything was made from.

show, status, query, preset, grade    the commands of these names
trace                                 `mathse trace`: one row, up to its origin and down to what it trained
lineage, dvc_lock                     `mathse lineage`: what led to a table or model; dvc.lock is the record of it
mix_check                             `mathse mix`: what a query would choose, before anything is trained
catalogue                             every table by name, as a view: what `query`, `trace` and others read
story                                 `mathse story`: what changed in the training data, and whether it helped
left_out                              why candidates are not in a mix
tags                                  `mathse tag`: what people say of paths
git                                   what git says of the project
"""
