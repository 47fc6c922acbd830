import { expect, it } from "vitest";
import { UsageError, wholeNumber } from "./exit.ts";

it.each(["0", "7", "12"])("takes %s as a whole number", (text) => {
  expect(wholeNumber("--seed")(text)).toBe(Number(text));
});

it.each(["x", "", " ", "-1", "1.5", "1e400"])("refuses '%s', and names the option", (text) => {
  const refusal = new UsageError(`--seed ${text}: expected a whole number, 0 or more`);
  expect(() => wholeNumber("--seed")(text)).toThrow(refusal);
});

it("takes what is not less than the least that makes sense", () => {
  const runs = wholeNumber("--runs", 1);
  expect(runs("1")).toBe(1);
  expect(() => runs("0")).toThrow("--runs 0: expected a whole number, 1 or more");
});
