"""Painted pictures become a page and a PDF, from their records alone."""
