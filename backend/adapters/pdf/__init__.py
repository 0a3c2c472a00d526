"""Documents for print and for keeping, as tagged PDF."""
