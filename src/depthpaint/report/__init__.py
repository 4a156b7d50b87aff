"""Reports about painted pictures as HTML and PDF, made from their records."""
