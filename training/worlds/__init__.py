"""Procedural worlds: rooms, houses, landscapes and things, each a picture with depth, masks and words.

`families.random_world` draws one (pure data, no torch), `render.render_worlds` casts rays at a batch of them,
`caption` puts them into words, `degrade.degrade_disparity` makes exact depth look like depth found in the
wild, and `sheet.contact_sheet` shows it all.
"""
