import { expect, test } from "vitest";
import { ToldOnce } from "./told-once.ts";

test("a cause is new once, and again after it ended", () => {
  const told = new ToldOnce();
  const [a, b] = [{ policy: "a" }, { policy: "b" }];
  expect(told.new([a])).toEqual([a]);
  expect(told.new([{ ...a }, b])).toEqual([b]);
  expect(told.new([b])).toEqual([]);
  expect(told.new([a, b])).toEqual([a]);
});
