/** Neighbours that nobody named: called from a range of addresses, with the range's TCP MD5 password. */
import { expect, test } from "vitest";
import { type End, Link } from "./link.ts";
import { until } from "./spinelab.ts";

const addresses: Record<End, string> = { a: "10.0.0.1", b: "10.0.0.66" };

const listening = (password: string) => `
localAsn: 65001
routerId: 1.1.1.1
listenPort: 179
ebgpRequiresPolicy: false
listenRanges:
  - prefix: 10.0.0.64/26
    peer: { asn: external, password: ${password} }
`;

const calling = (password: string) => `
localAsn: 65002
routerId: 2.2.2.2
ebgpRequiresPolicy: false
originate: [10.2.0.0/24]
peers:
  - { address: ${addresses.a}, asn: 65001, password: ${password}, connectRetryTimeSeconds: 1 }
`;

test("one with the range's password is let in, one with another is not", async () => {
  await using link = new Link();
  for (const end of ["a", "b"] as const) {
    link.run(end, "ip", "addr", "add", `${addresses[end]}/24`, "dev", "eth1");
  }
  const a = await link.speaker("a", listening("secret"));
  const b = await link.speaker("b", calling("secret"));
  await until("the session is up", async () => (await b.peer()).state === "Established");
  expect(await a.peer()).toMatchObject({ address: addresses.b, asn: 65002, state: "Established" });

  // The kernel drops what is not signed as it must be: nobody is there, as far as the caller sees.
  b.reload(calling("guessed"));
  await until(
    "the caller gets no answer",
    async () => /i\/o timeout/.test((await b.peer()).lastError ?? ""),
    180_000,
  );
  expect(await a.ask({ get: "peers" })).toEqual([]);
});
