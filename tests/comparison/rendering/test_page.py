"""report.html: whole in one file, the same for mouse, keyboard and screen reader, and deaf to hostile names."""

import base64
import copy
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import report_samples as samples
from jinja2 import UndefinedError
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from common.comparison.rendering.charts import PALETTE, Point, styles_for, trade_off
from common.comparison.rendering.formatting import environment
from common.comparison.rendering.page import render_markdown, render_page
from common.comparison.reporting import report_to_json

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NO_BROWSER = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no chromium here; CI installs it")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SAMPLES = samples.SAMPLES


def needs_browser(test):
    return pytest.mark.thorough(NO_BROWSER(test))


def page_of(report):
    return render_page(report, samples.pictures_for(report))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, tmp_path):
    """A function that opens a sample's page in a window of some width, light or dark."""

    def opened(name="whole", width=1200, scheme="light"):
        path = tmp_path / "report.html"
        path.write_text(page_of(SAMPLES[name]()), encoding="utf-8")
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        browser.get_log("browser")
        browser.get(path.as_uri())
        return browser

    return opened


def clip(page):
    return page.find_element(By.ID, "wipe-left-image").value_of_css_property("clip-path")


@needs_browser
@pytest.mark.parametrize("name", SAMPLES)
def test_it_loads_without_an_error_and_without_a_request(opened, name):
    page = opened(name)
    assert [entry for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []
    loaded = page.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert [address for address in loaded if not address.startswith("data:")] == []
    sources = page.execute_script("return [...document.querySelectorAll('[src], link')].map(it => it.src || it.href)")
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert page.execute_script("return [...document.images].filter(it => it.src && !it.naturalWidth).length") == 0


@needs_browser
def test_the_slider_moves_by_mouse(opened):
    page = opened()
    slider, before = page.find_element(By.ID, "wipe-at"), clip(page)
    width = slider.size["width"]
    ActionChains(page).click_and_hold(slider).move_by_offset(-width // 4, 10).release().perform()
    assert int(slider.get_attribute("value")) == pytest.approx(25, abs=1), "the edge is where the pointer is"
    assert clip(page) != before
    assert slider.get_attribute("aria-valuetext").startswith("25 percent PyTorch eager")


@needs_browser
def test_the_slider_moves_by_keys(opened):
    page = opened()
    slider, seen = page.find_element(By.ID, "wipe-at"), [clip(page)]
    for key in (Keys.ARROW_RIGHT, Keys.HOME, Keys.END):
        slider.send_keys(key)
        seen.append(clip(page))
    assert len(set(seen)) == 4
    edge = page.find_element(By.CSS_SELECTOR, ".edge").rect
    stage = page.find_element(By.ID, "wipe-stage").rect
    assert edge["x"] == pytest.approx(stage["x"] + stage["width"], abs=2)


@needs_browser
@pytest.mark.parametrize("side", ["left", "right"])
def test_another_picture_can_be_chosen(opened, side):
    page = opened()
    image = page.find_element(By.ID, f"wipe-{side}-image")
    before = image.get_attribute("src")
    Select(page.find_element(By.ID, f"wipe-{side}")).select_by_visible_text("style")
    assert image.get_attribute("src") != before
    assert image.get_attribute("src") == page.find_element(By.ID, "picture-1").get_attribute("src")
    assert image.get_attribute("alt") == "The picture: style"


@needs_browser
def test_hostile_names_are_shown_as_text(opened):
    page = opened("hostile")
    assert page.title == "VGG-19 style transfer: PyTorch and Keras/TensorFlow"
    shown = page.find_element(By.TAG_NAME, "body").text
    for name in samples.HOSTILE:
        assert " ".join(name.split()) in " ".join(shown.split())
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return document.querySelectorAll('[onerror], [onload]').length") == 0


@needs_browser
@pytest.mark.parametrize("name", SAMPLES)
def test_a_phone_does_not_scroll_sideways(opened, name):
    page = opened(name, width=360)
    assert page.execute_script("return [innerWidth, document.documentElement.scrollWidth]") == [360, 360]
    assert page.execute_script("return [...document.querySelectorAll('.scroll')].some(it => it.scrollWidth > 360)")


@needs_browser
def test_a_table_that_is_cut_says_so_until_its_end_is_reached(opened):
    page = opened(width=390)
    box = page.find_element(By.CSS_SELECTOR, "#timing ~ .scroll")
    hint = "return getComputedStyle(arguments[0].querySelector('caption span'), '::after').content"
    assert "scroll for more" in page.execute_script(hint, box)
    shadow = box.value_of_css_property("background-image")
    assert shadow.count("linear-gradient") == 2
    page.execute_script("arguments[0].scrollLeft = 9999", box)
    WebDriverWait(page, 5).until(lambda _: page.execute_script(hint, box) == "none")


@needs_browser
def test_a_table_that_fits_says_nothing(opened):
    page = opened(width=1280)
    assert page.find_elements(By.CSS_SELECTOR, ".scroll[data-more]") == []
    assert len(page.find_elements(By.CSS_SELECTOR, ".scroll")) > 3


@needs_browser
def test_the_pictures_are_on_a_phones_first_screen(opened):
    page = opened(width=390)
    tops = [image.rect["y"] for image in page.find_elements(By.CSS_SELECTOR, "#first-pictures img")]
    assert len(tops) == 6
    assert max(tops) < 844


@needs_browser
def test_no_row_of_the_environment_is_tall_and_empty(opened):
    """Each fact is as high as its value, and its name stands on one line beside it."""
    page = opened(width=390)
    facts = page.execute_script("""
        const box = it => { const range = document.createRange(); range.selectNodeContents(it); return range; };
        return [...document.querySelectorAll("#environment ~ dl > div")].map(it => [
            it.offsetHeight - box(it.querySelector("dd")).getBoundingClientRect().height,
            box(it.querySelector("dt")).getClientRects().length])""")
    assert len(facts) > 10
    assert all(empty_px < 10 and lines == 1 for empty_px, lines in facts)


@needs_browser
@pytest.mark.parametrize("width", [360, 900, 1200])
def test_no_name_of_a_row_is_broken_inside_a_word(opened, width):
    broken = opened(width=width).execute_script("""
        const range = document.createRange();
        const texts = [...document.querySelectorAll("tbody th")].map(it => it.firstChild).filter(it => it.data);
        return texts.flatMap(text => [...text.data.matchAll(/[^\\s/]+/g)].filter(word => {
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            return range.getClientRects().length > 1;
        }).map(word => word[0]))""")
    assert broken == []


@needs_browser
def test_dark_is_dark(opened):
    colours = {
        (scheme, what): opened(scheme=scheme).find_element(By.TAG_NAME, "body").value_of_css_property(what)
        for scheme in ("light", "dark")
        for what in ("background-color", "color")
    }
    assert len(set(colours.values())) == 4


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(opened, scheme):
    """WCAG AA: 4.5 to 1 for text of this size, against the nearest background that is painted."""
    pairs = opened("disagrees", scheme=scheme).execute_script("""
        const painted = it => { for (; it; it = it.parentElement) {
            const colour = getComputedStyle(it).backgroundColor;
            if (colour !== "rgba(0, 0, 0, 0)") return colour; } };
        const texts = [...document.querySelectorAll("main *:not(option)")].filter(it =>
            [...it.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
        return [...new Set(texts.map(it => getComputedStyle(it).color + "/" + painted(it)))]""")
    assert len(pairs) > 3
    for pair in pairs:
        text, paper = ([int(part) for part in re.findall(r"\d+", colour)[:3]] for colour in pair.split("/"))
        assert contrast(text, paper) >= 4.5, pair


@needs_browser
@pytest.mark.parametrize("name", SAMPLES)
def test_everything_has_a_name(opened, name):
    page = opened(name)
    found = page.execute_script("""
        const all = (selector) => [...document.querySelectorAll(selector)];
        const ids = all("[id]").map(it => it.id);
        return {
            images: all("img").filter(it => it.src && !it.alt).length,
            tables: all("table").filter(it => !it.caption?.textContent.trim()).length,
            headers: all("th:not([scope])").length,
            inputs: all("input, select").filter(it => !it.labels.length).length,
            charts: all("figure svg:not([role=img][aria-label])").length,
            ids: ids.length - new Set(ids).size,
        }""")
    assert found == dict.fromkeys(found, 0)
    levels = [int(level) for level in re.findall(r"<h(\d)", page_of(SAMPLES[name]()))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@needs_browser
def test_a_row_that_disagrees_is_struck_out_in_words_too_and_last(opened):
    page = opened("disagrees")
    last = page.find_elements(By.CSS_SELECTOR, "#timing ~ .scroll")[0].find_elements(By.CSS_SELECTOR, "tbody tr")[-1]
    assert last.find_element(By.TAG_NAME, "s").text == "PyTorch fast and wrong"
    assert "disagrees: not ranked" in last.text
    assert "line-through" in last.find_elements(By.TAG_NAME, "td")[0].value_of_css_property("text-decoration")
    assert "fastest" not in last.text
    assert "Something DISAGREES: PyTorch fast and wrong" in page.find_element(By.CSS_SELECTOR, "p.warning").text


@needs_browser
def test_without_its_script_the_pictures_are_there(opened):
    opened().execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page = opened()
        assert not page.find_element(By.ID, "wipe").is_displayed()
        assert len(page.find_elements(By.CSS_SELECTOR, "figure img")) == 8
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@needs_browser
def test_printing_opens_the_tables(opened):
    page = opened(scheme="dark")
    pdf = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF")
    assert page.execute_script("return document.querySelectorAll('details:not([open])').length") == 0


def test_an_interruption_is_said():
    page = page_of(samples.sample_of_an_interruption())
    assert "<strong>Incomplete.</strong>" in page
    assert "died: killed by signal 9: out of memory?" in page


def test_a_missing_picture_is_left_out():
    page = render_page(samples.sample(), {"content": np.full((4, 6, 3), np.nan, np.float32)})
    assert page.count("<img") == 1
    assert page.count("its heat map is missing") == 2


def test_charts_stand_under_the_heading_of_their_group():
    """The page has the groups by precision, whatever the order in which they were measured."""
    report = samples.sample()
    page = page_of(replace(report, groups=report.groups[::-1]))
    charts = re.findall(r'aria-label="Time for one evaluation, (.*?):', page)
    assert charts == [group.title for group in report.by_precision]


def test_charts_stand_in_one_page():
    charts = re.findall(r"<svg.*?</svg>", page_of(samples.sample()), flags=re.DOTALL)
    assert len(charts) == 2 * 3 + 4 + 1 + 4, "bars and two curves a group, a swatch a row; time against error, swatches"
    for chart in charts:
        ET.fromstring(chart.replace("<svg", '<svg xmlns:xlink="x"', 1) if "xmlns:xlink" not in chart else chart)
        assert "#010203" not in chart
        assert "<style" not in chart
        used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', chart))
        assert {one or other for one, other in used} <= set(re.findall(r'id="([^"]*)"', chart))
    assert page_of(samples.sample()) == page_of(samples.sample()), "the same report is the same page"


@pytest.mark.parametrize("paper", [(255, 255, 255), (20, 23, 27)])
def test_every_line_is_seen(paper):
    for colour in PALETTE:
        assert contrast(tuple(bytes.fromhex(colour[1:])), paper) >= 3


def contrast(one, other):
    """The contrast ratio of WCAG."""
    low, high = sorted(luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour):
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_html_escapes_by_itself_and_unknown_names_raise():
    made = environment()
    for name in ("report.html.j2", "timing.html.j2", "macros.html.j2"):
        assert made.autoescape(name)
    assert not made.autoescape("report.md.j2")
    with pytest.raises(UndefinedError):
        made.from_string("{{ unknown }}").render()


def paths(value, path=()):
    """The way to every value inside a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from paths(part, (*path, key))


def without(report, path):
    """A copy of the report with null at a path."""
    changed = copy.deepcopy(report)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = None
    return changed


def nullable(report):
    """The paths at which the schema allows null, the first of each kind of place."""
    kinds = {}
    for path in paths(report):
        kinds.setdefault(tuple("*" if isinstance(key, int) else key for key in path), path)
    return [path for path in kinds.values() if samples.VALIDATOR.is_valid(without(report, path))]


@pytest.mark.thorough
def test_every_null_that_the_schema_allows_is_rendered():
    report = samples.sample()
    group = report.groups[0]
    names = [row.name for row in group.rows[:2]]
    kept = [tuple(it for it in found if {it.row, it.to} <= set(names)) for found in (group.ratios, group.differences)]
    group = replace(group, rows=group.rows[:2], ratios=kept[0], differences=kept[1])
    values = samples.values_of(replace(report, groups=(group,)))
    found = nullable(values)
    assert len(found) >= 30
    for path in found:
        changed = samples.report_from(without(values, path))
        assert "</html>" in page_of(changed), path
        assert "## Timing" in render_markdown(changed), path


def test_all_nulls_at_once_are_rendered():
    values = samples.values_of(samples.sample())
    for row in (row for group in values["groups"] for row in group["rows"]):
        parts = ("agreement", "environment", "evaluation", "limit", "memory", "convergence", "common", "picture")
        row |= {**dict.fromkeys(parts), "ranked": False, "phases": dict.fromkeys(row["phases"])}
    values |= {"commit": None, "threads": None}
    for changed in (values, {**values, "groups": []}):
        assert samples.VALIDATOR.is_valid(changed)
        report = samples.report_from(changed)
        assert "</html>" in page_of(report)
        assert "## Timing" in render_markdown(report)


def test_a_name_that_utf_8_cannot_carry_is_rendered():
    odd = replace(samples.scene().content, path=samples.scene().content.path.with_name("caf\udce9.png"))
    report = samples.reported(*samples.results(), scene=replace(samples.scene(), content=odd))
    for text in (page_of(report), render_markdown(report), report_to_json(report)):
        assert "caf?.png" in text.encode("utf-8").decode()


def test_memory_on_a_gpu_has_a_column_where_there_is_one():
    report = samples.sample()
    assert "on the GPU" not in page_of(report)
    first, *rest = samples.results()
    memory = replace(first.memory, gpu_allocated_bytes=2**31, gpu_reserved_bytes=3 * 2**30)
    page = page_of(samples.reported(replace(first, memory=memory), *rest))
    assert page.count('<th scope="col">on the GPU</th>') == 1, "in its own group only"
    assert '2048 MiB <small class="muted">3072 MiB reserved</small>' in page


def test_the_pictures_stand_before_the_first_table():
    page = page_of(samples.sample())
    before, after = page.split("<table", 1)
    assert before.count('alt="The picture: ') == 6
    assert after.count('alt="The picture: ') == 0, "each picture is in the page once"
    assert page.count('href="#first-pictures"') == page.count('id="first-pictures"') == 1


def test_more_pictures_than_a_phone_shows_at_once_stand_further_down():
    report = samples.reported(*(samples.measured(row, 0.3) for row in samples.REQUEST.rows))
    before, after = page_of(report).split("<table", 1)
    assert before.count('alt="The picture: ') == 6
    assert after.count('alt="The picture: ') == 2 + len(report.rows) - 6 > 0


def of_error(kind, precision, median_s, error):
    """A row that takes so long, whose gradient is so far from the oracle's."""
    made = samples.measured(samples.row(kind, precision), median_s)
    agreement = replace(made.agreement, oracle=samples.check(gradient=error, gradient_bound=1.0))
    return replace(made, agreement=agreement)


def test_time_against_error_has_the_rows_of_all_precisions_of_a_size():
    rows = (of_error("torch eager", "float32", 0.3, 4e-7), of_error("torch eager", "bfloat16", 0.2, 3e-2))
    page = page_of(samples.reported(*rows, samples.results()[3]))
    (said,) = re.findall(r'aria-label="Time of an evaluation and error of its gradient, 170x256 px: (.*?)\."', page)
    first, second = said.split("; ")
    assert re.fullmatch(r"PyTorch eager, float32 30\d\.\d ms \(.*\), 4e-07", first)
    assert re.fullmatch(r"PyTorch eager, bfloat16 20\d\.\d ms \(.*\), 3e-02", second)
    (chart,) = re.findall(r"<svg[^>]*error of its gradient.*?</svg>", page, flags=re.DOTALL)
    decades = re.findall(r">(1e[-+]\d\d)</text>", chart)
    assert decades == [f"1e-{power:02}" for power in range(7, 0, -1)], "a log axis of whole decades"


@pytest.mark.parametrize("error", [0.0, 1e-300, 1e-16, 1.0])
def test_time_against_error_takes_any_error(error):
    report = samples.reported(of_error("torch eager", "float32", 0.3, error))
    points = [Point("row", *it) for it in report.groups[0].errors]
    chart = trade_off(points, styles_for(report.rows), "", "key")
    assert f", {error:.0e}." in chart
    decades = [float(power) for power in re.findall(r">(1e[-+]\d\d)</text>", chart)]
    assert decades[0] <= max(error, 1e-17) <= decades[-1]
    assert len(decades) <= 4


def test_a_row_without_a_time_or_with_an_error_that_is_no_number_has_no_mark():
    rows = (of_error("torch eager", "float32", 0.3, float("nan")), samples.results()[3])
    (group,) = samples.reported(*rows).groups
    assert group.errors == []
    assert "Time against error" not in page_of(samples.sample_of_an_interruption())


def test_a_long_name_is_whole_in_the_bars():
    label = "the old version of last spring that we ship to our customers (PyTorch eager), torch 2.9.0+cu128"
    page = page_of(samples.reported(samples.measured(samples.row("torch eager", label=label), 0.3)))
    (bars,) = re.findall(r"<svg[^>]*Time for one evaluation.*?</svg>", page, flags=re.DOTALL)
    lines = re.findall(r">([^<>]*)</text>", bars)
    assert label in " ".join(reversed(lines)), "the lowest line, beside the bar, is drawn first"


def test_labels_in_any_script_are_drawn():
    row = samples.row("torch eager", label="实验 $x_1$")
    assert ">实验 $x_1$</text>" in page_of(samples.reported(samples.measured(row, 0.3)))


def test_many_verdicts_fold():
    report = samples.sample()
    group = replace(report.groups[0], ratios=report.groups[0].ratios * 3)
    assert "<summary>3 more ratios</summary>" in page_of(replace(report, groups=(group, *report.groups[1:])))
