"""Tables in a terminal: plain ones, no wider than it is."""

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDTH = 100


def console() -> Console:
    """A console as wide as the terminal, or of a fixed width where there is none."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_WIDTH)


def plain_table(title: str, *headings: str) -> Table:
    """A table without lines, of which only the first column may be folded."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for heading in headings:
        first = not table.columns
        table.add_column(heading, justify="left" if first else "right", no_wrap=not first, overflow="fold")
    return table


def fitted(table: Table, out: Console, *least: str) -> Table:
    """The same table without as many of its `least` important columns as do not fit into the terminal."""
    left_out = []
    for heading in least:
        if Measurement.get(out, out.options.update(width=10 * _WIDTH), table).maximum <= out.width:
            break
        # A new table numbers the columns anew, on which their padding depends.
        table.columns = Table(*(column for column in table.columns if column.header != heading)).columns
        left_out.append(heading.replace("\n", " "))
    if left_out:
        table.caption = f"(too narrow for: {', '.join(left_out)}; the report has them)"
        table.caption_justify = "left"
    return table
