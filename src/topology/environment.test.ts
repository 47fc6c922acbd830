import { assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { substituteEnvironment } from "./environment.ts";

const environment = { TAG: "v8", EMPTY: "", A_1: "x" };

test.each([
  ["image: frr:$TAG", "image: frr:v8"],
  ["${TAG}.${A_1}", "v8.x"],
  ["${TAG:=other} ${NONE:=latest}", "v8 latest"],
  ["${EMPTY:=filled}|${EMPTY=kept}|${EMPTY:-filled}|${EMPTY-kept}", "filled||filled|"],
  ["${NONE-a b/c:1}", "a b/c:1"],
  ["${TAG:+set}${NONE:+set}${EMPTY+set}${EMPTY:+set}", "setset"],
  ["${NONE:=${TAG}-${NONE:=x}}", "v8-x"],
  ["$NONE ${NONE}", "$NONE ${NONE}"],
  ["awk '{print $1}' $? $(date) $", "awk '{print $1}' $? $(date) $"],
  ["$$TAG $${TAG}", "$TAG ${TAG}"],
  ["${TAG", "${TAG"],
  ["${TAG\n}", "${TAG\n}"],
  ["${TAG?error}", "${TAG?error}"],
])("%j is %j", (text, expected) => {
  expect(substituteEnvironment(text, environment)).toBe(expected);
});

test("text without a dollar stays as it is", () => {
  assert(
    property(string(), (text) => {
      const plain = text.replaceAll("$", "");
      expect(substituteEnvironment(plain, environment)).toBe(plain);
    }),
  );
});
