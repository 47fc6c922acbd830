import { expect, it } from "vitest";
import { address, isLinkLocal } from "./address.ts";

it.each([
  ["fe80::1", true],
  ["fe80::", true],
  ["febf:ffff::1", true],
  ["FE9A::1", true],
  ["fec0::1", false],
  ["fe7f::1", false],
  ["fe8::1", false],
  ["::fe80", false],
  ["169.254.0.1", false],
  ["ff02::1", false],
])("whether %s is link-local: %s", (text, expected) => {
  expect(isLinkLocal(address(text))).toBe(expected);
});
