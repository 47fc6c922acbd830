import { array, assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { splitShellWords } from "./shell-words.ts";

test.each([
  ["ip addr add 10.0.0.1/32 dev lo", ["ip", "addr", "add", "10.0.0.1/32", "dev", "lo"]],
  ["  a   b\t\nc ", ["a", "b", "c"]],
  [
    "vtysh -c 'conf t' -c ' bgp router-id 10.0.0.0' -c '!'",
    ["vtysh", "-c", "conf t", "-c", " bgp router-id 10.0.0.0", "-c", "!"],
  ],
  [`sh -c "echo 'a b' > /x"`, ["sh", "-c", "echo 'a b' > /x"]],
  [String.raw`a\ b "c\"d" 'e\f'`, ["a b", 'c"d', String.raw`e\f`]],
  ["a'b'\"c\"d", ["abcd"]],
  ["'' \"\"", ["", ""]],
  ["a # comment\nb c#d", ["a", "b", "c#d"]],
  ["echo $HOME | cat; true > x", ["echo", "$HOME", "|", "cat;", "true", ">", "x"]],
  ["", []],
])("%s", (command, words) => {
  expect(splitShellWords(command)).toEqual({ words });
});

test.each([
  ["a 'b", "single quote"],
  ['a "b', "double quote"],
  ['a "b\\', "double quote"],
  ["a \\", "backslash"],
])("%s is unfinished", (command, what) => {
  expect(splitShellWords(command)).toEqual({ unfinished: expect.stringContaining(what) });
});

test("words in single quotes come out as they were", () => {
  assert(
    property(array(string()), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
      expect(splitShellWords(quoted.join(" "))).toEqual({ words });
    }),
  );
});
