"use strict";
(() => {
  const root = document.documentElement;

  // Colours: as the system has them, light, dark.
  const themes = ["auto", "light", "dark"];
  const themeButton = document.getElementById("theme");
  const stored = () => { try { return localStorage.getItem("pocketbench-theme"); } catch { return null; } };
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    themeButton.textContent = theme[0].toUpperCase() + theme.slice(1);
    themeButton.setAttribute("aria-label", theme === "auto" ? "Colours: as the system has them" : `Colours: ${theme}`);
    themeButton.dataset.now = theme;
  };
  show(themes.includes(stored()) ? stored() : "auto");
  themeButton.hidden = false;
  themeButton.addEventListener("click", () => {
    const next = themes[(themes.indexOf(themeButton.dataset.now) + 1) % themes.length];
    show(next);
    try { localStorage.setItem("pocketbench-theme", next); } catch { /* a file may have no storage */ }
  });

  // Sorting: first click the smaller first, second the larger, third as it was.
  const value = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return null;
    if (cell.dataset.point !== undefined) return Number(cell.dataset.point);
    const text = cell.textContent.trim();
    return text === "" || text === "–" ? null : text;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  for (const table of document.querySelectorAll("table.figures")) {
    const bodies = [...table.tBodies];
    const home = bodies.map((body) => [...body.rows]);
    const rows = home.flat().filter((row) => !row.classList.contains("group"));
    // Under its device's heading a row need not name the device; sorted, it must.
    const device = new Map(home.flatMap((own) => own.map((row) => [row, own[0].classList.contains("group") ? own[0].cells[0] : null])));
    const name = () => {
      for (const row of rows) {
        if (!device.get(row) || row.querySelector(".row-device")) continue;
        const label = document.createElement("span");
        label.className = "row-device";
        label.append(...[...device.get(row).childNodes].map((node) => node.cloneNode(true)));
        row.cells[0].append(label);
      }
    };
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      head.querySelector("button.sort")?.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        for (const other of heads) other.removeAttribute("aria-sort");
        if (now === "descending") {
          table.classList.remove("flat");
          bodies.forEach((body, index) => body.append(...home[index]));
          return;
        }
        const sign = now === "ascending" ? -1 : 1;
        head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        name();
        table.classList.add("flat");
        const keyed = rows.map((row, index) => ({ row, index, key: value(row, column) }));
        keyed.sort((a, b) => {
          if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.index - b.index;
          return sign * compare(a.key, b.key) || a.index - b.index;
        });
        bodies[0].append(...keyed.map((entry) => entry.row));
      });
    }

    // Filtering: every word must be in the row; a device's heading goes with its rows.
    const tools = [...document.querySelectorAll("[data-filters]")].filter((tool) => tool.dataset.filters === table.id);
    const count = [...document.querySelectorAll("[data-counts]")].find((output) => output.dataset.counts === table.id);
    const filter = () => {
      const words = tools.filter((tool) => tool.type === "search").flatMap((tool) => tool.value.toLowerCase().split(/\s+/)).filter(Boolean);
      const verdict = tools.find((tool) => tool.tagName === "SELECT")?.value ?? "";
      let shown = 0;
      for (const row of rows) {
        const text = `${device.get(row)?.textContent ?? ""} ${row.textContent}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word)) || (verdict !== "" && row.dataset.verdict !== verdict);
        if (!row.hidden) shown += 1;
      }
      home.forEach((own) => {
        const group = own.find((row) => row.classList.contains("group"));
        if (group) group.hidden = own.every((row) => row === group || row.hidden);
      });
      if (count) count.textContent = `${shown} of ${rows.length} rows`;
    };
    for (const tool of tools) {
      tool.addEventListener("input", filter);
      const bar = tool.closest(".tools");
      if (bar) bar.hidden = false;
    }
  }

  // Columns on demand: what a page has no room for is hidden until asked for.
  for (const button of document.querySelectorAll("[data-more-of]")) {
    const table = document.getElementById(button.dataset.moreOf);
    const more = button.textContent;
    // A row need not say it of each of its cells: its heading does.
    const columns = [...table.tHead.rows[0].cells].filter((head) => "more" in head.dataset).map((head) => head.cellIndex);
    for (const row of table.querySelectorAll("tr[data-variant]")) for (const column of columns) row.cells[column].dataset.more = "";
    const brief = (is) => {
      table.classList.toggle("brief", is);
      button.setAttribute("aria-expanded", String(!is));
      button.textContent = is ? more : "Show fewer columns";
    };
    button.addEventListener("click", () => brief(!table.classList.contains("brief")));
    brief(true);
  }

  // A link to a closed fold opens it.
  const open = () => {
    const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    target?.closest("details")?.setAttribute("open", "");
  };
  addEventListener("hashchange", open);
  open();
  for (const link of document.querySelectorAll('a[href^="#"]')) link.addEventListener("click", () => setTimeout(open));

  // Print opens every fold, and closes them again.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });

  // The data, as it stands in this page.
  const data = document.getElementById("data");
  const text = async () => {
    if (data.dataset.encoding !== "gzip+base64") return data.textContent;
    const bytes = Uint8Array.from(atob(data.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const download = document.getElementById("download");
  download.hidden = false;
  download.addEventListener("click", async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await text()], { type: "application/json" }));
    link.download = data.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
})();
