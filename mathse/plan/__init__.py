"""`mathse plan`: what a run needs before it is started, from a params file alone.

options     what is assumed beside params, and the GPUs
sizes       how large the model is
tokens      what one request and one training row take, counted on sample problems
estimate    requests and trainings of every step; GPU-hours, memory, disk, hours and money
machine     what a machine lacks of it
text        the estimate, printed
"""
