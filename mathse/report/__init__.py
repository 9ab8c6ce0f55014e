"""What a run has come to: the table, the series behind the plots, and a page of both."""
