"""A model behind an OpenAI-compatible server: requests and replies, tries and waits, budgets, images."""
