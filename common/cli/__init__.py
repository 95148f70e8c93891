"""All command lines: the only place that knows argparse."""
