import fc from "fast-check";
import { expect, test } from "vitest";
import { address, type Family } from "./address.ts";
import { addressNumber, addressOfNumber, rangeContains, rangeOfPrefix } from "./address-range.ts";
import { prefix, prefixContains } from "./prefix.ts";

test("an address is its number and back", () => {
  const any = fc.oneof(
    fc.tuple(fc.bigInt(0n, 2n ** 32n - 1n), fc.constant<Family>("ipv4")),
    fc.tuple(fc.bigInt(0n, 2n ** 128n - 1n), fc.constant<Family>("ipv6")),
  );
  fc.assert(
    fc.property(any, ([value, family]) => {
      expect(addressNumber(addressOfNumber(value, family))).toBe(value);
    }),
  );
});

test("the range of a prefix holds what the prefix holds", () => {
  expect(rangeOfPrefix(prefix("10.0.0.0/30"))).toEqual({ first: "10.0.0.0", last: "10.0.0.3" });
  expect(rangeOfPrefix(prefix("fd00::/127"))).toEqual({ first: "fd00::", last: "fd00::1" });
  fc.assert(
    fc.property(
      fc.nat(0xffff),
      fc.integer({ min: 16, max: 32 }),
      fc.nat(0xffff),
      (a, length, b) => {
        const of = prefix(`10.1.${a >> 8}.${a & 255}/${length}`);
        const inside = address(`10.1.${b >> 8}.${b & 255}`);
        expect(rangeContains(rangeOfPrefix(of), inside)).toBe(prefixContains(of, inside));
      },
    ),
  );
  expect(rangeContains(rangeOfPrefix(prefix("0.0.0.0/0")), address("::1"))).toBe(false);
});
