"""Reproducible squashfs images from locked Debian packages and wheels, and what runs them."""
