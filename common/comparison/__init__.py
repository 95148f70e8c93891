"""Two backends side by side: do they agree, and how long does each take."""
