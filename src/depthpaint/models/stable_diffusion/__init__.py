"""Stable Diffusion through diffusers' modules; besides `estimators` the only package that imports torch."""
