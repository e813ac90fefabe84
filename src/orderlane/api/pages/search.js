// Shows only what holds every word of the search; opens a section that the address points to.
"use strict";

const search = document.getElementById("search");
const found = document.getElementById("found");
const articles = [...document.querySelectorAll("[data-search]")].map((element) => ({
  element,
  entry: document.querySelector(`[data-for="${CSS.escape(element.id)}"]`),
  text: element.textContent.toLowerCase(),
}));

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { element, entry, text } of articles) {
    const fits = words.every((word) => text.includes(word));
    element.hidden = !fits;
    if (entry) entry.hidden = !fits;
    count += fits ? 1 : 0;
  }
  found.textContent = words.length ? `${count} found` : "";
}

function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) {
    target.hidden = false;
    for (const part of target.querySelectorAll("details")) part.open = true;
  }
}

search.addEventListener("input", show);
window.addEventListener("hashchange", open);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});
open();
