// Labels above a chart, in as many lanes as it takes for none to overlap another.
var pocketbench = globalThis.pocketbench ?? {};
globalThis.pocketbench = pocketbench;

pocketbench.placeLabels = (box, labels, width) => {
  const MOST_LANES = 6, GAP = 6, LANE = 24;
  box.replaceChildren(...labels.map((label) => label.element));
  const ends = [];
  let left_out = 0;
  const widths = labels.map((label) => label.element.offsetWidth);
  labels.forEach((label, index) => {
    const wide = widths[index];
    const left = Math.max(0, Math.min(label.x - wide / 2, width - wide));
    let lane = ends.findIndex((end) => end + GAP <= left);
    if (lane < 0) lane = ends.length;
    if (lane >= MOST_LANES) {
      label.element.remove();
      left_out += 1;
      return;
    }
    ends[lane] = left + wide;
    label.element.style.left = `${left}px`;
    label.element.style.top = `${lane * LANE}px`;
  });
  box.style.height = `${ends.length * LANE}px`;
  return left_out;
};
