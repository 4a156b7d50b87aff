"""Measures the depth doctor on files whose meaning is known, of scenes from formulas: `make doctor-bench`.

`geometry` casts rays at solids; `things`, `indoors`, `outdoors` and `scenes` build the scenes; `sensors`
loses and spoils depth as cameras and estimators do; `storage` and `relative` write numbers as users have
them, with the truth; `corpus` chooses among them, and `score` compares. It shares nothing with
training/worlds, whose worlds the doctor was fitted on.
"""
