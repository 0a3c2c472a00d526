"""The last resort: what a candidate's device holds, saved there as one sealed file and brought here by staff."""
