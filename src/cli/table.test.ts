import { expect, test } from "vitest";
import { formatTable, goDuration } from "./table.ts";

test("columns are as wide as their widest cell, and nothing trails", () => {
  expect(
    formatTable(
      ["A", "Peer"],
      [
        ["long one", "x"],
        ["b", ""],
      ],
    ),
  ).toBe("A          Peer\nlong one   x\nb\n");
});

test("durations as Go prints them", () => {
  expect(goDuration(3_999)).toBe("3s");
  expect(goDuration(1_315_000)).toBe("21m55s");
  expect(goDuration(14_724_000)).toBe("4h5m24s");
});
