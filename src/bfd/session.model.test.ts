import fc from "fast-check";
import { expect, test } from "vitest";
import { fast, Link } from "./link.testkit.ts";
import type { ControlPacket } from "./packet.ts";
import { controlPacket } from "./packet.testkit.ts";
import { BfdSession, type BfdInput, type BfdTimer, type BfdTimes } from "./session.ts";

const times: fc.Arbitrary<BfdTimes> = fc.record({
  transmitIntervalMs: fc.integer({ min: 10, max: 2000 }),
  receiveIntervalMs: fc.integer({ min: 10, max: 2000 }),
  detectMultiplier: fc.integer({ min: 1, max: 10 }),
});

const input: fc.Arbitrary<BfdInput> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ input: fc.constant("received"), packet: controlPacket }) },
  {
    weight: 3,
    arbitrary: fc.record({
      input: fc.constant("timer"),
      timer: fc.constantFrom<BfdTimer>("transmit", "detection"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ input: fc.constant("configure"), times }) },
  { weight: 1, arbitrary: fc.constantFrom<BfdInput>({ input: "start" }, { input: "disable" }) },
);

/** RFC 5880 §6.2: from a state, by a state received. */
const allowed: Record<string, readonly string[]> = {
  Down: ["Down", "Init", "Up", "AdminDown"],
  Init: ["Init", "Up", "Down", "AdminDown"],
  Up: ["Up", "Down", "AdminDown"],
  AdminDown: ["AdminDown"],
};

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

function mustBeSendable(packet: ControlPacket): void {
  must(!(packet.poll && packet.final), "Poll and Final are never both set");
  must(packet.myDiscriminator === 7, "My Discriminator is ours");
  must(packet.state === "Up" || packet.desiredMinTxIntervalUs >= 1_000_000, "slow (§6.8.3)");
}

test("any inputs in any order end in a legal state", () => {
  fc.assert(
    fc.property(
      times,
      fc.array(fc.tuple(input, fc.nat(3000)), { maxLength: 60 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (first, inputs, jitter) => {
        const session = new BfdSession({
          localDiscriminator: 7,
          times: first,
          random: () => jitter,
        });
        let nowMs = 0;
        let isUp = false;
        for (const [one, waitMs] of inputs) {
          nowMs += waitMs;
          const before = session.state;
          for (const effect of session.step(one, nowMs)) {
            // Up and down take turns, whatever comes.
            must(effect.do !== "up" || !isUp, "up once");
            must(effect.do !== "down" || isUp, "down once");
            if (effect.do === "up" || effect.do === "down") isUp = effect.do === "up";
            must(effect.do !== "setTimer" || effect.afterMs >= 0, "timers are ahead");
            if (effect.do === "send") mustBeSendable(effect.packet);
          }
          // An administrative down is told by whoever asked for it.
          if (session.state === "AdminDown") isUp = false;
          must(allowed[before]!.includes(session.state), `${before} to ${session.state}`);
          must((session.state === "Up") === isUp, "Up and down are told");
          must(!isUp || session.remote !== undefined, "Up with somebody");
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("two sessions over a link that loses and delays come up, and stay up once it is good", () => {
  fc.assert(
    fc.property(
      times,
      times,
      fc.array(fc.tuple(fc.boolean(), fc.nat(2000)), { minLength: 1, maxLength: 30 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (a, b, fates, jitter) => {
        const link = new Link(a, b, () => jitter.next().value!);
        let sent = 0;
        link.fate = () => {
          const [lost, delayMs] = fates[sent++] ?? [false, 1];
          return { lost, delayMs };
        };
        link.start();
        link.run(60_000);
        // All the bad luck is used up: at least one packet a second is sent by each.
        expect(sent).toBeGreaterThan(fates.length);
        expect(link.bothUp).toBe(true);
        const { length } = link.a.events;
        link.run(60_000);
        expect(link.a.events).toHaveLength(length);
        expect(link.bothUp).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

test("a packet lost now and then takes nothing down", () => {
  fc.assert(
    fc.property(fc.nat(2), (phase) => {
      const link = new Link(fast, fast);
      link.start();
      link.run(3000);
      let n = phase;
      // Two of three: one fewer than the Detect Mult in a row.
      link.fate = () => ({ lost: n++ % 3 !== 0, delayMs: 1 });
      link.run(30_000);
      expect(link.a.events.length + link.b.events.length).toBeLessThanOrEqual(2);
    }),
  );
});
