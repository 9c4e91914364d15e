"""Chisels before they run: finding the script, reading what it says about itself, giving it its arguments."""
