/**
 * The parts of docs/performance.md that a run writes. One stands between two lines, and nothing else is touched:
 *
 *   <!-- measured: speakers side by side -->
 *   <!-- end -->
 */

const endLine = "<!-- end -->";

/** The page with what the bench of this name printed in its place; undefined: the page has no place for it. */
export function withMeasured(page: string, name: string, printed: string): string | undefined {
  const begin = `<!-- measured: ${name} -->\n`;
  const from = page.indexOf(begin);
  if (from < 0) return undefined;
  const at = from + begin.length;
  const to = page.indexOf(endLine, at);
  const next = page.indexOf("<!-- measured:", at);
  if (to < 0 || (next >= 0 && next < to)) throw new Error(`'${name}' has no '${endLine}'`);
  return `${page.slice(0, at)}\n${asMarkdown(printed)}\n\n${page.slice(to)}`;
}

/** Columns made with spaces stand as they are. */
function asMarkdown(printed: string): string {
  const text = printed.trim();
  return /^\|---/m.test(text) ? text : `\`\`\`\n${text}\n\`\`\``;
}
