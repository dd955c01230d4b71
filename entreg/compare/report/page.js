"use strict";
// Tables are sorted by a click on a column: up, down, and as they were.
const number = /^[<+]?\s*-?\d[\d,]*\.?\d*/;
const value = (row, column) => {
  const text = row.cells[column].textContent.trim();
  return number.test(text) ? parseFloat(text.replace(/[<+,]/g, "")) : text;
};
const order = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b : typeof a === "number" ? -1 : typeof b === "number" ? 1 : a.localeCompare(b);
for (const head of document.querySelectorAll("thead th")) {
  const body = head.closest("table").tBodies[0], original = [...body.rows];
  const sort = () => {
    const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort ?? "none"];
    for (const other of head.parentElement.cells) other.ariaSort = "none";
    head.ariaSort = next;
    const rows = next === "none" ? original : [...original].sort((a, b) =>
      (next === "ascending" ? 1 : -1) * order(value(a, head.cellIndex), value(b, head.cellIndex)));
    body.append(...rows);
  };
  head.tabIndex = 0;
  head.style.cursor = "pointer";
  head.addEventListener("click", sort);
  head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
}
// Arms are shown and hidden in all figures at once.
const arms = document.querySelector(".arms");
for (const box of arms?.querySelectorAll("input") ?? []) {
  box.addEventListener("change", () => {
    for (const part of document.querySelectorAll(".arm-" + box.value)) part.style.display = box.checked ? "" : "none";
  });
}
if (arms) arms.hidden = false;
