"use strict";

// Printed, a closed <details> would hide its table.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

// A phone shows no scroll bar: a table that goes on to the right says so.
for (const box of document.querySelectorAll(".scroll")) {
  const mark = () => box.toggleAttribute("data-more", box.scrollWidth - box.clientWidth - box.scrollLeft > 1);
  box.addEventListener("scroll", mark);
  new ResizeObserver(mark).observe(box);
}

const wipe = document.getElementById("wipe");
if (wipe) startWipe(wipe);

/** Show two of the page's pictures over each other; the range tells how much of the left one is seen. */
function startWipe(wipe) {
  const stage = document.getElementById("wipe-stage");
  const range = document.getElementById("wipe-at");
  const sides = ["left", "right"].map((side) => ({
    select: document.getElementById(`wipe-${side}`),
    image: document.getElementById(`wipe-${side}-image`),
  }));

  function show() {
    for (const { select, image } of sides) {
      const chosen = document.getElementById(select.value);
      image.src = chosen.src;
      image.alt = chosen.alt;
    }
    // The stage keeps one shape, so that nothing jumps when another picture is chosen.
    const first = document.querySelector(".gallery img");
    stage.style.setProperty("--shape", `${first.width} / ${first.height}`);
    move();
  }

  function move() {
    stage.style.setProperty("--at", `${range.value}%`);
    const [left, right] = sides.map(({ select }) => select.selectedOptions[0].text);
    range.setAttribute("aria-valuetext", `${range.value} percent ${left}, the rest ${right}`);
  }

  for (const { select } of sides) select.addEventListener("change", show);
  range.addEventListener("input", move);
  wipe.hidden = false;
  show();
}
