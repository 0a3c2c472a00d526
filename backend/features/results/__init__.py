"""Results: the settled, immutable outcome of one attempt, its release, and the proof that it is genuine."""
