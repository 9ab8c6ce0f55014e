"""The commands of `mathse`, by purpose."""
