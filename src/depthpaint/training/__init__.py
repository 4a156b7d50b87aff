"""How diorama was made: scenes rendered here, networks trained on them.

Export to ONNX (needs the extra `train`).
"""
