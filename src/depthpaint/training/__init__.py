"""How diorama was made: scenes rendered here, networks trained on them, export to ONNX (needs the extra `train`)."""
