"""The item bank: what is asked, its answer keys, its sound, and the frozen forms made of it."""
