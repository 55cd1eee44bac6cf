// One series over its runs: zoom, hover, a chosen run with its facts, and permalinks.
pocketbench.runs = (text) => { pocketbench.runsData = JSON.parse(text); };
pocketbench.series = (text) => {
  const data = JSON.parse(text), whole = (value) => value === null ? null : value * data.scale;
  for (const name of ["value", "low", "high"]) data[name] = data[name].map(whole);
  for (const change of data.changes) [change.before, change.after] = [whole(change.before), whole(change.after)];
  pocketbench.seriesData = data;
};

pocketbench.draw = (figure) => {
  const runs = pocketbench.runsData, data = pocketbench.seriesData;
  const count = data.value.length;
  const scroll = figure.querySelector(".chart-scroll"), plot = figure.querySelector(".plot");
  const box = figure.querySelector(".chart-box"), labels = figure.querySelector(".labels");
  const facts = figure.querySelector(".point"), more = figure.querySelector(".more");
  const LEAST_WIDTH = 560, HEIGHT = 320, FEWEST_SHOWN = 4;
  const UNITS = { ns: [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]], bytes: [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]], per_s: [[1, "/s"]] };
  const middle = [...data.value].sort((a, b) => a - b)[count >> 1];
  const units = UNITS[data.unit] ?? [[1, data.unit]];
  const [size, unit] = units.find(([least]) => Math.abs(middle) >= least) ?? units.at(-1);
  const scaled = (column) => column.map((value) => value === null ? null : value / size);
  const words = (value) => `${Number((value / size).toPrecision(4))} ${unit}`;
  const day = (index) => new Date(runs.started[data.runs[index]] * 1000).toISOString().slice(0, 10);
  const css = (name) => getComputedStyle(figure).getPropertyValue(`--${name}`).trim();
  const placeOf = new Map(data.runs.map((run, index) => [runs.id[run], index]));
  const edges = data.environments.map((edge) => edge.at);
  let chart, chosen = null, shown = [0, count - 1];

  // The facts of one run.
  const link = (text, url) => Object.assign(document.createElement("a"), { textContent: text, href: url });
  const code = (text) => Object.assign(document.createElement("code"), { textContent: text });
  const showRun = (index) => {
    const run = data.runs[index], commit = runs.commit[run], sha = commit?.split("+")[0];
    const url = figure.dataset.commitUrl;
    const version = commit ? (url ? link(commit.slice(0, 10), url.replace("{commit}", sha)) : code(commit.slice(0, 10))) : "unknown";
    const temperature = runs.temperature[run]?.map((value) => Number(value.toFixed(1)));
    const rows = [
      ["Run", [code(runs.id[run]), ` ${new Date(runs.started[run] * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`]],
      ["Commit", [version, commit?.includes("+") ? " with uncommitted changes" : "", ` ${runs.subject[run] ?? ""}`]],
      [data.title, [`${words(data.value[index])}${data.low[index] === null ? "" : `, 95 % CI ${words(data.low[index])} to ${words(data.high[index])}`}, ${data.launches[index]} ${data.launches[index] === 1 ? "launch" : "launches"}`]],
      ["Change", data.changes.filter((change) => change.at === index).map((change) => change.words)],
      ["Conditions", [[temperature ? `${temperature[0]} to ${temperature[1]} °C before the launches` : "", runs.caveats[run] && `caveats: ${runs.caveats[run]}`].filter(Boolean).join("; ") || "not recorded"]],
      ["Environment", [runs.system[run]]],
      ["Reproduce", runs.commands[runs.command[run]] ? [code(`${sha ? `git checkout ${sha} && ` : ""}${runs.commands[runs.command[run]]}`)] : ["command not recorded"]],
      ["Report", runs.reported[run] ? [link("report of this run", `${figure.dataset.root}/reports/${encodeURIComponent(runs.id[run])}.html`)] : ["not in this site"]],
    ];
    facts.dataset.run = runs.id[run];
    facts.replaceChildren(...rows.filter(([, parts]) => parts.length).flatMap(([name, parts]) => {
      const term = document.createElement("dt"), value = document.createElement("dd");
      term.textContent = name;
      value.append(...parts);
      return [term, value];
    }));
  };

  // Where one is: in the address, so that it can be handed on.
  const remember = () => {
    const place = new URLSearchParams();
    if (chosen !== null) place.set("run", runs.id[data.runs[chosen]]);
    if (shown[0] > 0 || shown[1] < count - 1) {
      place.set("from", runs.id[data.runs[shown[0]]]);
      place.set("to", runs.id[data.runs[shown[1]]]);
    }
    history.replaceState(null, "", place.size ? `#${place}` : location.pathname + location.search);
  };
  const recall = () => {
    const place = new URLSearchParams(location.hash.slice(1));
    const at = (name, otherwise) => placeOf.get(place.get(name)) ?? otherwise;
    zoom(at("from", 0), at("to", count - 1));
    choose(at("run", chosen ?? count - 1));
  };
  const choose = (index) => {
    chosen = Math.max(0, Math.min(count - 1, index));
    if (chosen < shown[0] || chosen > shown[1]) {
      const half = (shown[1] - shown[0]) >> 1;
      zoom(chosen - half, chosen + half);
    }
    showRun(chosen);
    chart.redraw(false);
    remember();
  };
  const zoom = (from, to) => {
    if (to - from < FEWEST_SHOWN) {
      const middle = (from + to) / 2;
      [from, to] = [middle - FEWEST_SHOWN / 2, middle + FEWEST_SHOWN / 2];
    }
    const min = Math.max(0, Math.round(from)), max = Math.min(count - 1, Math.round(to));
    chart.setScale("x", { min: min - 0.5, max: max + 0.5 });
  };

  // Lines of the levels, the changes, the environments and the chosen run.
  const overlay = (u) => {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    const x = (index) => u.valToPos(index, "x", true), y = (value) => u.valToPos(value / size, "y", true);
    const rule = (at, colour, dash) => {
      ctx.strokeStyle = colour;
      ctx.setLineDash(dash.map((length) => length * ratio));
      ctx.beginPath();
      ctx.moveTo(x(at), bbox.top);
      ctx.lineTo(x(at), bbox.top + bbox.height);
      ctx.stroke();
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = ratio;
    for (const at of edges) rule(at - 0.5, css("muted"), [2, 4]);
    const marks = [...edges, ...data.changes.map((change) => change.at)];
    for (const change of data.changes) {
      rule(change.at - 0.5, css(change.worse ? "regression" : "improvement"), change.state === "confirmed" ? [] : [5, 4]);
      const start = Math.max(0, ...marks.filter((at) => at < change.at));
      const end = Math.min(count, ...marks.filter((at) => at > change.at));
      ctx.setLineDash([]);
      ctx.strokeStyle = css("ink");
      for (const [from, to, level] of [[start, change.at, change.before], [change.at, end, change.after]]) {
        ctx.beginPath();
        ctx.moveTo(x(from - 0.5), y(level));
        ctx.lineTo(x(to - 0.5), y(level));
        ctx.stroke();
      }
    }
    if (chosen !== null) {
      ctx.lineWidth = 2 * ratio;
      ctx.setLineDash([]);
      ctx.strokeStyle = css("ink");
      ctx.beginPath();
      ctx.arc(x(chosen), y(data.value[chosen]), 6 * ratio, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.restore();
  };

  const marks = [
    ...data.environments.map((edge) => ({ at: edge.at, text: edge.label, kind: "environment", title: `Environment: ${edge.label}` })),
    ...data.changes.map((change) => ({ at: change.at, text: `${change.label}${change.state === "confirmed" ? "" : ` (${change.note})`}`, kind: `${change.worse ? "worse" : "better"}${change.state === "confirmed" ? "" : " quiet"}`, title: change.words })),
  ].sort((a, b) => a.at - b.at);
  const label = (u) => {
    const left = u.bbox.left / devicePixelRatio;
    const inside = marks.filter((mark) => mark.at >= shown[0] && mark.at <= shown[1]).map((mark) => {
      const element = Object.assign(document.createElement("button"), { type: "button", textContent: mark.text, title: mark.title, className: mark.kind });
      element.addEventListener("click", () => choose(mark.at));
      return { element, x: left + u.valToPos(mark.at - 0.5, "x") };
    });
    const hidden = pocketbench.placeLabels(labels, inside, u.width);
    more.hidden = !hidden;
    more.textContent = `${hidden} more labels: zoom in to see them.`;
  };

  const make = () => {
    chart?.destroy();
    const width = Math.max(LEAST_WIDTH, scroll.clientWidth);
    box.style.width = `${width}px`;
    const colour = css(figure.dataset.colour), axis = { stroke: css("muted"), grid: { stroke: css("faint"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const line = { width: 1, points: { show: false } };
    chart = new uPlot({
      width, height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: true, dist: 6 }, points: { size: 8 } },
      scales: { x: { time: false, min: shown[0] - 0.5, max: shown[1] + 0.5, auto: false }, y: { range: (u, low, high) => uPlot.rangeNum(low, high, 0.1, false) } },
      axes: [
        { ...axis, space: 90, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], values: (u, ticks) => ticks.map((tick) => (Number.isInteger(tick) && tick >= 0 && tick < count ? day(tick) : "")) },
        { ...axis, grid: axis.grid, size: 70, values: (u, ticks) => ticks.map((tick) => `${Number(tick.toPrecision(6))} ${unit}`) },
      ],
      series: [{}, line, line, { stroke: colour, width: 1.5, points: { show: true, size: 5, fill: colour } }],
      bands: [{ series: [2, 1], fill: `color-mix(in srgb, ${colour} 25%, transparent)` }],
      hooks: {
        draw: [overlay],
        ready: [label],
        setScale: [(u, key) => {
          if (key !== "x") return;
          shown = [Math.max(0, Math.ceil(u.scales.x.min)), Math.min(count - 1, Math.floor(u.scales.x.max))];
          if (chart) { label(u); remember(); }
        }],
        setCursor: [(u) => {
          const index = u.cursor.idx;
          if (index !== null && index !== undefined) showRun(index);
          else if (chosen !== null) showRun(chosen);
        }],
      },
    }, [data.value.map((_, index) => index), scaled(data.low), scaled(data.high), scaled(data.value)], plot);
    let down = null;
    chart.over.addEventListener("mousedown", (event) => { down = event.clientX; });
    chart.over.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - down) < 5 && chart.cursor.idx != null) choose(chart.cursor.idx);
    });
    chart.over.addEventListener("dblclick", () => zoom(0, count - 1));
  };

  const scaleBy = (factor) => {
    const middle = chosen ?? (shown[0] + shown[1]) / 2, half = ((shown[1] - shown[0]) * factor) / 2;
    zoom(middle - half, middle + half);
  };
  const changed = data.changes.map((change) => change.at);
  const DO = {
    previous: () => choose(chosen - 1),
    next: () => choose(chosen + 1),
    "previous-change": () => choose(changed.findLast((at) => at < chosen) ?? chosen),
    "next-change": () => choose(changed.find((at) => at > chosen) ?? chosen),
    in: () => scaleBy(0.5),
    out: () => scaleBy(2),
    all: () => zoom(0, count - 1),
  };
  const KEYS = { ArrowLeft: "previous", ArrowRight: "next", "+": "in", "=": "in", "-": "out", 0: "all" };
  for (const button of figure.querySelectorAll("[data-do]")) button.addEventListener("click", () => DO[button.dataset.do]());
  scroll.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    DO[KEYS[event.key]]();
  });
  make();
  recall();
  addEventListener("hashchange", recall);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", make);
  let wide = scroll.clientWidth;
  new ResizeObserver(() => {
    if (scroll.clientWidth === wide) return;
    wide = scroll.clientWidth;
    make();
  }).observe(scroll);
};
