"""Decoders of depth files: from bytes to samples."""
