import { beforeEach, expect, test } from "vitest";
import { PlayedLab } from "./testing/played-lab.ts";

let lab: PlayedLab;

beforeEach(() => {
  lab = new PlayedLab();
});

const everyMs = 2000;
const step = `  - name: cut
    probe: { name: p, from: kind-worker, to: 10.1.3.1, every: ${everyMs}ms }
    do: [ { link: { between: [tor0, router0], set: down } } ]
    expect: [ { outage: { probe: p, atMost: 100ms } } ]`;

/** Sends a packet each interval, as long as `sends` says, and answers it where `answers` says so. */
async function echoes(answers: (atMs: number) => boolean, sends = (_atMs: number) => true) {
  for (let number = 1; number <= 12; number++) {
    const atMs = lab.clock.nowMs();
    const packet = { number, atUnixMs: lab.clock.unixAtZeroMs + atMs };
    if (sends(atMs)) {
      lab.onEcho?.(
        answers(atMs)
          ? { echo: "reply", ...packet, rttMs: 0.05, duplicate: false }
          : { echo: "none", ...packet },
      );
    }
    await lab.clock.wait(everyMs, lab.abort.signal);
  }
}

async function played(...of: Parameters<typeof echoes>) {
  // The first packet is sent when the probe is there to take it.
  const playing = lab.play(step);
  while (lab.onEcho === undefined) await lab.clock.wait(1, lab.abort.signal);
  const sending = echoes(...of);
  const outcome = await playing;
  const endedMs = lab.clock.nowMs();
  await sending;
  return { verdict: outcome.verdict, endedMs, seen: lab.checkRecords()[0]?.seen };
}

test("a probe that had sent nothing since the event keeps no bound: what it sends next is waited for", async () => {
  const { verdict, endedMs, seen } = await played(() => true);
  expect({ verdict, seen }).toEqual({ verdict: "pass", seen: "none, 0 lost" });
  expect(endedMs).toBeGreaterThan(everyMs);
});

test("and where that is lost the check fails", async () => {
  expect(await played((atMs) => atMs < 100)).toMatchObject({
    verdict: "fail",
    seen: expect.stringMatching(/^longest 10\.\d+ s, 5 lost, going on$/),
  });
});

test("an outage that is over by then counts, though a late answer could still make it none", async () => {
  expect(await played((atMs) => atMs < 100 || atMs > 3000)).toMatchObject({
    verdict: "fail",
    seen: expect.stringMatching(/^longest 4 s, 1 lost$/),
  });
});

test("a probe that sends nothing any more has seen nothing", async () => {
  expect(
    await played(
      () => true,
      (atMs) => atMs < 100,
    ),
  ).toMatchObject({
    verdict: "inconclusive",
    seen: "no packet of the probe was sent since the step's last event",
  });
});
