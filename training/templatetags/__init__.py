"""Words of recipes for templates."""
