/** Text that is HTML already. Made only by `html` and `trusted`, so foreign text cannot become it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | undefined | Markup | readonly Value[];

/**
 * HTML with every value escaped, for text and for quoted attributes alike, unless it is Markup
 * itself. Lists are joined; undefined is nothing.
 */
export function html(strings: TemplateStringsArray, ...values: Value[]): Markup {
  const parts = unindented(strings);
  let text = parts[0]!;
  for (const [index, value] of values.entries()) text += render(value) + parts[index + 1]!;
  return new Markup(text);
}

const seen = new WeakMap<TemplateStringsArray, readonly string[]>();

/** How a template is indented in its source is nothing to a page, and of a large one half its size. */
function unindented(strings: TemplateStringsArray): readonly string[] {
  const known = seen.get(strings);
  if (known !== undefined) return known;
  const parts = strings.map((part) => part.replaceAll(/\n\s*/g, "\n"));
  seen.set(strings, parts);
  return parts;
}

/** HTML from this repository: the page's own style and script. Never for anything recorded. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(render).join("");
  return escapeHtml(String(value));
}

/** Also without control characters, which HTML forbids and a browser would show as nothing. */
function escapeHtml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/**
 * A value as the content of `<script type="application/json">`. A `<` could end the script or begin a
 * comment in it; as `\u003c` it is the same JSON.
 */
export function jsonForScript(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll("<", "\\u003c"));
}
