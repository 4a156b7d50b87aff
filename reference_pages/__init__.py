"""What is generated from the code: the pages of docs/reference, and the types of the keyword arguments.

`python -m reference_pages` (in `make docs`) writes all files. Each module makes the text of one page.
"""
