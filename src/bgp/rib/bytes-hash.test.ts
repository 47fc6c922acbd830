import { expect, test } from "vitest";
import { hashOf } from "./bytes-hash.ts";

test("whichever byte it is that differs, the hashes' lower bits do", () => {
  const places = 4096;
  for (let at = 0; at < 24; at++) {
    const bytes = new Uint8Array(24);
    const homes = new Set<number>();
    for (let value = 0; value < 256; value++) {
      bytes[at] = value;
      homes.add(hashOf(bytes, 0, bytes.length) & (places - 1));
    }
    // By chance it is 248 of them.
    expect({ at, isSpread: homes.size > 220 }).toEqual({ at, isSpread: true });
  }
});
