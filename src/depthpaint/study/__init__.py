"""Questions that many pictures answer: what the aspect ratio does, what strength does, what time costs."""
