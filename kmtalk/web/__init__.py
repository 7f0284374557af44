"""The page's own parts: components that Gradio does not have, each a Python class with its HTML, CSS and JavaScript."""
