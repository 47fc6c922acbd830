import { expect, test } from "vitest";
import { terminalOutput } from "./output.ts";

const terminal = { write: () => true, isTTY: true, columns: 120, rows: 40 };
const pipe = { write: () => true };

test.each([
  ["a terminal", terminal, {}, { isTty: true, color: true }],
  ["a pipe", pipe, {}, { isTty: false, color: false }],
  ["a dumb terminal", terminal, { TERM: "dumb" }, { isTty: false, color: false }],
  ["NO_COLOR", terminal, { NO_COLOR: "1" }, { isTty: true, color: false }],
  ["NO_COLOR empty", terminal, { NO_COLOR: "" }, { isTty: true, color: true }],
  ["FORCE_COLOR on a pipe", pipe, { FORCE_COLOR: "1" }, { isTty: false, color: true }],
  ["FORCE_COLOR=0", terminal, { FORCE_COLOR: "0" }, { isTty: true, color: false }],
  ["both", pipe, { FORCE_COLOR: "1", NO_COLOR: "1" }, { isTty: false, color: true }],
])("%s", (_name, stream, env, expected) => {
  expect(terminalOutput(stream, env)).toMatchObject(expected);
});

test.each([
  [{ LANG: "C.UTF-8" }, true],
  [{ LANG: "de_DE.utf8" }, true],
  [{ LC_ALL: "C", LANG: "C.UTF-8" }, false],
  [{ LC_ALL: "", LC_CTYPE: "C.UTF-8" }, true],
  [{}, false],
])("locale %j: Unicode %s", (env, unicode) => {
  expect(terminalOutput(pipe, env).unicode).toBe(unicode);
});

test("the size is asked anew, and a window without one has the usual", () => {
  const window = { ...terminal };
  const output = terminalOutput(window, {});
  window.columns = 40;
  expect(output.columns()).toBe(40);
  expect(terminalOutput({ ...terminal, columns: 0 }, {}).columns()).toBe(80);
});
