"""Asking a model anything: the request, the journal of what was answered, and replies parsed."""
