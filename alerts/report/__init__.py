"""Reports of incidents for the post-mortem: gathered here, rendered as HTML and Markdown."""
