"""A DATASET BECOMES AN ADAPTER: datasets, recipes, runs."""
