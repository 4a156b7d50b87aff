"""From what was asked to what will run: every size and number resolved, no None left. No torch."""
