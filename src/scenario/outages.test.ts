import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Outage, Outages } from "./outages.ts";
import { PingReader } from "../runtime/ping-echo.ts";
import { parsePingSummary } from "./ping-output.ts";
import { recorded } from "./testing/fake-lab.ts";

function play(text: string): { outages: Outages; found: Outage[] } {
  const reader = new PingReader();
  const lines = text.split("\n").flatMap((line) => reader.read(line) ?? []);
  const startMs = lines[0]!.atUnixMs;
  const outages = new Outages(0);
  for (const line of lines) outages.take(line, line.atUnixMs - startMs);
  return { outages, found: outages.settled(Infinity, 0) };
}

describe("outages in recorded ping output", () => {
  test("no packet lost: none", () => {
    const { outages, found } = play(recorded("ping/no-loss.txt"));
    expect(found).toEqual([]);
    expect(outages.counts).toEqual({ sent: 20, received: 20, duplicates: 0, late: 0 });
    expect(outages.rttMs!.max).toBe(0.128);
    // From the first answer to the last, over the packets between them: asked for were 10 ms.
    expect(outages.intervalMs).toBeCloseTo(15.77, 2);
  });

  test("answers that come late are answers; what was lost before them is an outage", () => {
    const { outages, found } = play(recorded("ping/silent-then-late.txt"));
    expect(found).toHaveLength(1);
    // From icmp_seq=25 at …810.096123 to icmp_seq=62 at …811.188313.
    expect(found[0]!.toMs - found[0]!.fromMs).toBeCloseTo(1092.19, 1);
    expect(found[0]!.lost).toBe(36);
    expect(outages.counts.late).toBe(0);
  });

  test("packets that could not even be sent are lost too", () => {
    const { found } = play(recorded("ping/carrier-lost.txt"));
    const text = recorded("ping/carrier-lost.txt");
    const repeated = text.match(/no answer yet for icmp_seq=38$/gm)!.length - 1;
    expect(repeated).toBeGreaterThan(10);
    expect(found[0]!.lost).toBeGreaterThanOrEqual(repeated + 12);
  });
});

const reply = (number: number) =>
  ({ echo: "reply", number, atUnixMs: 0, rttMs: 0.1, duplicate: false }) as const;

describe("outages, by hand", () => {
  test("ping's sequence numbers begin again after 65535 without an outage", () => {
    const outages = new Outages(0);
    const reader = new PingReader();
    for (let i = 1; i <= 70_000; i++) {
      const line = `[1.000000] 64 bytes from 10.1.3.1: icmp_seq=${i % 65_536} ttl=61 time=0.1 ms`;
      outages.take(reader.read(line)!, i);
    }
    expect(outages.closed).toEqual([]);
    expect(outages.counts.received).toBe(70_000);
  });

  test("an answer that later ones overtook was not lost: a gap of nothing else is no outage", () => {
    const outages = new Outages(0);
    for (const [atMs, number] of [1, 4, 3, 2, 5, 8, 7].entries()) outages.take(reply(number), atMs);
    expect(outages.closed).toEqual([{ fromMs: 4, toMs: 5, lost: 1 }]);
    expect(outages.counts).toMatchObject({ received: 7, late: 3 });
    // Told when late answers have had their time, and once.
    expect(outages.settled(104, 100)).toEqual([]);
    expect(outages.settled(105, 100)).toEqual([{ fromMs: 4, toMs: 5, lost: 1 }]);
    expect(outages.settled(Infinity, 0)).toEqual([]);
    // What was told stands.
    outages.take(reply(6), 200);
    expect(outages.closed).toEqual([{ fromMs: 4, toMs: 5, lost: 1 }]);
  });

  test("in whatever order answers come: lost are those that never do", () => {
    const order = fc.array(fc.tuple(fc.boolean(), fc.nat(5)), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(order, (packets) => {
        const numbered = packets.map(([answered, slow], i) => ({
          answered,
          number: i + 1,
          at: i + slow,
        }));
        const answers = numbered.filter(({ answered }) => answered).toSorted((a, b) => a.at - b.at);
        const outages = new Outages(0);
        for (const { number, at } of answers) outages.take(reply(number), at);
        // The last is answered, so that no outage stays open.
        outages.take(reply(packets.length + 1), packets.length + 10);
        const lost = outages.closed.reduce((sum, one) => sum + one.lost, 0);
        expect(lost).toBe(packets.length - answers.length);
      }),
    );
  });

  test("never answered: the outage goes on since the beginning", () => {
    const outages = new Outages(5);
    outages.take({ echo: "none", number: 1, atUnixMs: 0 }, 20);
    expect(outages.ongoing(300, 200)).toEqual({ fromMs: 5, toMs: 300, lost: 1 });
    expect(outages.ongoing(200, 200)).toBeUndefined();
  });

  test("of an hour's packets the median is that of them all, the shortest and longest are exact", () => {
    const outages = new Outages(0);
    const packets = 360_001;
    for (let number = 1; number <= packets; number++) {
      // The longest and the shortest come once, where not each is kept any more.
      const rttMs = number === packets ? 9_000 : number === packets - 1 ? 0.5 : 1 + (number % 1000);
      outages.take({ ...reply(number), rttMs }, number);
    }
    expect(outages.rttMs).toMatchObject({ min: 0.5, max: 9_000 });
    expect(Math.abs(outages.rttMs!.median - 500)).toBeLessThan(10);
  });

  test("whatever is dropped: received and lost make up what was sent", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), (answered) => {
        const outages = new Outages(0);
        // The last one is answered, so that no outage stays open.
        for (const [i, yes] of [...answered, true].entries()) {
          if (yes) outages.take(reply(i + 1), i);
          else outages.take({ echo: "none", number: i + 1, atUnixMs: 0 }, i);
        }
        const lost = outages.closed.reduce((sum, one) => sum + one.lost, 0);
        expect(lost).toBe(answered.filter((yes) => !yes).length);
        expect(outages.counts.received + lost).toBe(outages.counts.sent);
      }),
      { numRuns: 100 },
    );
  });
});

test("summaries of ping -c", () => {
  expect(parsePingSummary(recorded("ping/count-3.txt"))).toEqual({
    sent: 3,
    received: 3,
    rttMsMean: 0.047,
  });
  expect(parsePingSummary(recorded("ping/count-3-unreachable.txt"))).toEqual({
    sent: 3,
    received: 0,
  });
  expect(parsePingSummary("ping: connect: Network is unreachable")).toBeUndefined();
});
