// Runs inside the page: texts that overlap, are cut or leave the window, and whether the page scrolls
// sideways. The value of the last expression is the list of faults.
(() => {
  const tolerance = 1.5;
  const faults = [];
  const { documentElement: root } = document;
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`);
  }
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.data.trim() === '') continue;
    if (node.parentElement.closest('title, style') !== null) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width > 0 && box.height > 0)
        texts.push({ node, box, text: node.data.trim().slice(0, 40) });
    }
  }
  for (const { box, text, node } of texts) {
    if (box.left < -tolerance || box.right > root.clientWidth + tolerance) {
      faults.push(`"${text}" leaves the window`);
    }
    const frame = node.parentElement.closest('svg')?.getBoundingClientRect();
    if (frame && (box.right > frame.right + tolerance || box.left < frame.left - tolerance)) {
      faults.push(`"${text}" is cut`);
    }
  }
  texts.sort((a, b) => a.box.top - b.box.top);
  for (let i = 0; i < texts.length; i++) {
    const a = texts[i];
    for (let j = i + 1; j < texts.length && texts[j].box.top < a.box.bottom; j++) {
      const b = texts[j];
      // Lines of one text may touch; line boxes of neighbours may, by a part of their height.
      const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      const allowed = 0.25 * Math.min(a.box.height, b.box.height);
      if (across > tolerance && down > Math.max(tolerance, allowed)) {
        faults.push(
          `"${a.text}" and "${b.text}" overlap by ${across.toFixed(1)} x ${down.toFixed(1)}`,
        );
      }
    }
  }
  return faults;
})();
