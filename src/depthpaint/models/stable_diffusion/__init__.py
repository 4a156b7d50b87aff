"""Real Stable Diffusion through diffusers' modules: beside `estimators`, the one door to torch."""
