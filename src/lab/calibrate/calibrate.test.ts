import { expect, it } from "vitest";
import { busyWarning } from "./calibrate.ts";

it("warns where the machine has other things to do, and says how many", () => {
  expect(busyWarning(1, 2)).toBeUndefined();
  expect(busyWarning(1.1, 2)).toMatch(
    /^warning: the machine is busy \(load 1\.1 on 2 processors\)/,
  );
});
