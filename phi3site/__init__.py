"""The site: wiring of the three stories into one web application."""
