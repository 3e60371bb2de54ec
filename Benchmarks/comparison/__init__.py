"""The comparison: Roost and its peers through one loop, in one run, in turns."""
