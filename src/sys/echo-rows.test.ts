import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Echo, EchoRows, readEchoRows } from "./echo-rows.ts";

const number = fc.integer({ min: 1, max: 0xffff_ffff });
const atUnixMs = fc.double({ min: 0, max: 2e12, noNaN: true });
const echo: fc.Arbitrary<Echo> = fc.oneof(
  fc.record({ echo: fc.constant("refused" as const), atUnixMs }),
  fc.record({ echo: fc.constant("none" as const), number, atUnixMs }),
  fc.record({
    echo: fc.constant("reply" as const),
    number,
    atUnixMs,
    rttMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    duplicate: fc.boolean(),
  }),
);

test("what is read of rows is what was added, in its order and once", () => {
  const told = fc.array(fc.tuple(fc.integer({ min: 1, max: 1 << 20 }), echo), { maxLength: 700 });
  const rows = new EchoRows();
  fc.assert(
    fc.property(told, (echoes) => {
      for (const [id, one] of echoes) {
        const { atUnixMs: at } = one;
        if (one.echo === "refused") rows.refused(id, at);
        else if (one.echo === "none") rows.none(id, one.number, at);
        else rows.reply(id, one.number, at, one.rttMs, one.duplicate);
      }
      const read: [number, Echo][] = [];
      readEchoRows(rows.take(), (id, one) => read.push([id, one]));
      expect(read).toEqual(echoes);
    }),
    { numRuns: 50 },
  );
});
