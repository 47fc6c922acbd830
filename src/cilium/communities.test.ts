import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  parseLargeCommunity,
  parseStandardCommunity,
  wellKnownCommunities,
} from "./communities.ts";

test("a standard community is one number or two", () => {
  expect(parseStandardCommunity("0")).toBe(0);
  expect(parseStandardCommunity("4294967295")).toBe(0xffffffff);
  expect(parseStandardCommunity("65010:100")).toBe(0xfdf20064);
  expect(parseStandardCommunity("65535:65281")).toBe(wellKnownCommunities["no-export"]);
});

test.each(["", "4294967296", "65536:1", "1:65536", "01:1", "1:2:3", "-1", "1:", "no-export", " 1"])(
  "%j is no standard community",
  (text) => {
    expect(parseStandardCommunity(text)).toBeUndefined();
  },
);

test("a large community is three numbers", () => {
  expect(parseLargeCommunity("64512:1:4294967295")).toEqual([64512, 1, 4294967295]);
});

test.each(["", "1:2", "1:2:3:4", "1:2:4294967296", "1:2:", "a:b:c", "1:02:3"])(
  "%j is no large community",
  (text) => {
    expect(parseLargeCommunity(text)).toBeUndefined();
  },
);

test("every 32-bit value reads back from both spellings", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffffffff }), (value) => {
      expect(parseStandardCommunity(String(value))).toBe(value);
      expect(parseStandardCommunity(`${value >>> 16}:${value & 0xffff}`)).toBe(value);
    }),
  );
});
