import { expect, it } from "vitest";
import { recordedMessages } from "../bgp-captures/recordings.ts";
import { expected } from "./expected.ts";
import { fuzz } from "./fuzz.ts";
import { shrink } from "./shrink.ts";

/** More of it: node bench/fuzz.ts 10000000. */
const count = 200_000;

it("200,000 mutated messages of five daemons harm nobody, and are handled as the RFCs say", () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
  const { failure, messages, ended } = fuzz(recordedMessages(), seed, count);
  expect(failure).toBeUndefined();
  expect(messages).toBe(count);
  // Worth something only where both happen often: sessions that end, and sessions that go on.
  expect(ended / count).toBeGreaterThan(0.2);
  expect(ended / count).toBeLessThan(0.8);
}, 300_000);

it("what is expected is not what any decoder would say", () => {
  const rules = { fourOctetAs: true, external: true, pathIds: false, messageBytesMax: 4096 };
  const update = (hex: string) => {
    const body = Buffer.from(hex.replaceAll(" ", ""), "hex");
    const header = Buffer.concat([Buffer.alloc(16, 0xff), Buffer.of(0, 19 + body.length, 2)]);
    return expected(Buffer.concat([header, body]), rules);
  };
  const attributes = "40010100 400206 02010000fdf2 4003040a000201";
  expect(update(`0000 0014 ${attributes} 18cb0071`)).toEqual({
    ends: false,
    routes: { announced: ["203.0.113.0/24"], withdrawn: [], discarded: [] },
  });
  expect(update(`0000 0014 ${attributes.replace("40010100", "40010103")} 18cb0071`)).toEqual({
    ends: false,
    routes: { announced: [], withdrawn: ["203.0.113.0/24"], discarded: [] },
  });
  expect(update(`0000 0014 ${attributes} 21cb00710000`)).toEqual({
    ends: true,
    notifications: ["3/10"],
  });
});

it("a failing sequence is made as short as still fails", () => {
  const messages = [[1, 2], [3, 7, 4], [5], [9, 8, 9]].map((bytes) => Uint8Array.from(bytes));
  const has = (all: readonly Uint8Array[], byte: number) => all.some((one) => one.includes(byte));
  expect(shrink(messages, (all) => has(all, 7) && has(all, 8))).toEqual([
    Uint8Array.of(7),
    Uint8Array.of(8),
  ]);
});
