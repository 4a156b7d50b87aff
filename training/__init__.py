"""How diorama and diorama-depth are made: worlds rendered here, networks trained on them, exported to ONNX.

Run from the root of a checkout: `python -m training --help`. Not part of the wheel.
"""
