"""The model shipped with the project, and the recipe that makes it."""
