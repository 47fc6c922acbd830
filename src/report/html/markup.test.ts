import * as fc from "fast-check";
import { expect, test } from "vitest";
import { html, jsonForScript } from "./markup.ts";

test("values are escaped, markup is not, lists are joined", () => {
  const inner = html`<b>${"<i>"}</b>`;
  expect(html`<p title="${`"'`}">${inner}${["&", 1, undefined]}</p>`.text).toBe(
    '<p title="&quot;&#39;"><b>&lt;i&gt;</b>&amp;1</p>',
  );
});

test("no text makes a tag or leaves an attribute", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(html`${text}`.text).not.toMatch(/[<>"']/);
    }),
  );
});

test("JSON in a script is the same JSON and cannot end it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { text } = jsonForScript(value);
      expect(text).not.toContain("<");
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(value));
    }),
  );
  expect(jsonForScript("</script><!--").text).toBe('"\\u003c/script>\\u003c!--"');
});
