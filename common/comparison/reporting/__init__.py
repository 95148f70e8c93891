"""What a comparison found: values, files, baselines, and the terminal."""
