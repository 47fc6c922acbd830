import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressFromBytes, addressToBytes } from "../../net/address.ts";
import { type Prefix, prefixBase, prefixLength, prefixOf } from "../../net/prefix.ts";
import { PrefixTable } from "./prefix-table.ts";

const ipv4 = fc
  .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 32 }))
  .map(([bytes, length]) => prefixOf(addressFromBytes(bytes), length));
const ipv6 = fc
  .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.integer({ min: 0, max: 128 }))
  .map(([bytes, length]) => prefixOf(addressFromBytes(bytes), length));

function onWire(prefix: Prefix): Uint8Array {
  const length = prefixLength(prefix);
  const octets = addressToBytes(prefixBase(prefix)).subarray(0, (length + 7) >> 3);
  return Uint8Array.of(length, ...octets);
}

describe.each([
  ["ipv4", ipv4],
  ["ipv6", ipv6],
] as const)("PrefixTable of %s", (family, arbitrary) => {
  it("gives each prefix one number, and text and bytes back", () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 200 }), (prefixes) => {
        const table = new PrefixTable(family);
        const ids = new Map<Prefix, number>();
        for (const prefix of prefixes) {
          const id = table.add(onWire(prefix), 0);
          expect(id).toBe(ids.get(prefix) ?? id);
          ids.set(prefix, id);
        }
        expect(table.size).toBe(ids.size);
        expect(new Set(ids.values()).size).toBe(ids.size);
        for (const [prefix, id] of ids) {
          expect(table.findPrefix(prefix)).toBe(id);
          expect(table.prefix(id)).toBe(prefix);
          const bytes = new Uint8Array(20);
          expect(bytes.subarray(0, table.write(id, bytes, 0))).toEqual(onWire(prefix));
        }
      }),
    );
  });

  it("forgets what nobody retains, and nothing else", () => {
    const step = fc.record({ prefix: arbitrary, keep: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new PrefixTable(family);
        const kept = new Map<Prefix, number>();
        for (const { prefix, keep } of steps) {
          const held = kept.get(prefix);
          if (keep && held === undefined) {
            const id = table.addPrefix(prefix);
            table.retain(id);
            kept.set(prefix, id);
          } else if (!keep && held !== undefined) {
            table.release(held);
            kept.delete(prefix);
          } else if (!keep) table.addPrefix(prefix);
          if (steps.length % 3 === 0) table.sweep();
        }
        table.sweep();
        expect(table.size).toBe(kept.size);
        for (const [prefix, id] of kept) expect(table.findPrefix(prefix)).toBe(id);
        const others = steps.map(({ prefix }) => prefix).filter((prefix) => !kept.has(prefix));
        for (const prefix of others) expect(table.findPrefix(prefix)).toBe(-1);
      }),
    );
  });
});

describe("PrefixTable", () => {
  it("ignores trailing bits (RFC 4271 §4.3)", () => {
    const table = new PrefixTable("ipv4");
    const id = table.add(Uint8Array.of(20, 10, 1, 0xff), 0);
    expect(table.prefix(id)).toBe("10.1.240.0/20");
    expect(table.find(Uint8Array.of(20, 10, 1, 0xf3), 0)).toBe(id);
  });

  it("takes numbers that came free again", () => {
    const table = new PrefixTable("ipv4");
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 1000; i++) table.add(Uint8Array.of(24, round, i >> 8, i), 0);
      expect(table.size).toBe(1000);
      table.sweep();
      expect(table.size).toBe(0);
    }
  });
});
