"""What makes things that the project keeps, and is needed only to make them again."""
