// SPDX-License-Identifier: BSL-1.0
// ---- The table: a column is its heading, the value to sort by, and that value in words.

const columns = [
  {name: "Modifier", value: (lane) => lane.name},
  {name: "Cadence", value: (lane) => lane.cadence, words: true},
  {name: "Starts", value: (lane) => lane.starts,
   text: (lane) => lane.starts === null ? "never" : whole(lane.starts)},
  {name: "Ends", value: (lane) => lane.starts === null ? null : lane.ends ?? end,
   text: (lane) => lane.starts !== null && lane.ends === null ? "stays open" : listed(lane.ends)},
  {name: "Updates", value: (lane) => lane.updates},
  {name: "Events", value: (lane) => lane.events},
  {name: "First update", value: (lane) => lane.first},
  {name: "Last update", value: (lane) => lane.last,
   text: (lane) => lane.due_complete ? listed(lane.last) : `after ${listed(lane.known)}`},
];
if (lanes.some((lane) => lane.nanoseconds !== null)) {
  const timed = ({nanoseconds}) => nanoseconds === null ? "\u2013" : timeWords(nanoseconds);
  columns.push({name: "Time", value: (lane) => lane.nanoseconds, text: timed});
}
if (lanes.some((lane) => lane.nanoseconds !== null || lane.throws > 0)) {
  columns.push({name: "Throws", value: (lane) => lane.throws, bad: true});
}

function element(name, properties = {}, ...children) {
  const result = Object.assign(document.createElement(name), properties);
  result.append(...children);
  return result;
}

function makeRow(lane, index) {
  const row = lane.row = element("tr");
  columns.forEach((column, i) => {
    if (i === 0) {
      const name = element("button", {type: "button", title: lane.name}, lane.name);
      const cell = element("th", {scope: "row"}, name);
      cell.style.setProperty("--swatch", `var(--lane${index % look.lanes.length})`);
      row.append(cell);
      return;
    }
    const value = column.value(lane);
    const words = typeof value === "string" ? value : listed(value);
    const text = column.text ? column.text(lane) : words;
    const cell = element("td", {}, text);
    if (column.words) cell.className = "words";
    if (column.bad && value > 0) cell.className = "bad";
    row.append(cell);
  });
  row.addEventListener("click", () => showWindow(lane));
  return row;
}

function compare(a, b) {  // what is not there comes last, in either direction
  if (a === null || b === null) return (a === null) - (b === null);
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

function sortBy(column, heading) {
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of $("head").children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const sorted = lanes.slice().sort((one, other) => {
    const a = column.value(one), b = column.value(other);
    return down && a !== null && b !== null ? compare(b, a) : compare(a, b);
  });
  $("body").append(...sorted.map((lane) => lane.row));
}

function makeTable() {
  for (const column of columns) {
    const button = element("button", {type: "button"}, column.name);
    const left = column.words || column === columns[0];
    const heading = element("th", {scope: "col", className: left ? "words" : ""}, button);
    button.addEventListener("click", () => sortBy(column, heading));
    $("head").append(heading);
  }
  $("body").append(...lanes.map(makeRow));
  $("rows").hidden = false;
}
