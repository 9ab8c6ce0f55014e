"""Vision-language models as folders: families, chat templates, loading, and the hash that names one."""
