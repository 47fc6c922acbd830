import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

const fields = ["peerASN", "peerAddress", "peerConfigRef", "name"];

test.each([
  ["peerAdress", "peerAddress"],
  ["peerasn", "peerASN"],
  ["peerSAN", "peerASN"],
  ["nmae", "name"],
  ["peerConfig", "peerConfigRef"],
])("%s is near %s", (word, expected) => {
  expect(nearest(word, fields)).toBe(expected);
});

test("nothing is near a word of its own", () => {
  expect(nearest("holdTimer", fields)).toBeUndefined();
  expect(nearest("peerASN", [])).toBeUndefined();
});
