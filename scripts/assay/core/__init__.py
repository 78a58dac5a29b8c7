"""What every room stands on: records, canonical files, seeds, settings, errors."""
