import * as fc from "fast-check";
import { expect, it } from "vitest";
import { addressFromBytes } from "./address.ts";
import { prefixContains, prefixOf } from "./prefix.ts";

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(addressFromBytes);

it("an address lies in a prefix exactly where the prefix of that length around it is the same", () => {
  const length = fc.nat(32);
  // Any address, and one that differs from the prefix's in few bits.
  const pair = fc.oneof(
    fc.tuple(ipv4, ipv4),
    fc.tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.nat(31)).map(([bytes, bit]) => {
      const other = bytes.slice();
      other[bit >> 3]! ^= 0x80 >> (bit & 7);
      return [addressFromBytes(bytes), addressFromBytes(other)] as const;
    }),
  );
  fc.assert(
    fc.property(pair, length, length, ([around, of], outerLength, innerLength) => {
      const outer = prefixOf(around, outerLength);
      const lies = prefixOf(of, outerLength) === outer;
      expect(prefixContains(outer, of)).toBe(lies);
      expect(prefixContains(outer, prefixOf(of, innerLength))).toBe(
        innerLength >= outerLength && lies,
      );
    }),
  );
});
