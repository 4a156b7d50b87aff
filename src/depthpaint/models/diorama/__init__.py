"""diorama, the built-in model, run by ONNX Runtime: no torch, nothing to download."""
