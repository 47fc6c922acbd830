import { expectEqual, expectThat } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { Pair } from "../pair.ts";

const ours = "10.10.0.0/24";
const theirs = "10.20.0.0/24";

/** So many that the UPDATE is longer than 4096 octets. */
const manyCommunities = Array.from({ length: 1200 }, (_, at) => at + 1);

export const capabilities: Group = {
  title: "Roles and long messages",
  rows: [
    {
      id: "roles",
      title: "Roles (RFC 9234): provider and customer up, a route marked; two providers refused",
      async check(kind) {
        await using pair = await Pair.start(kind, {
          neighbor: { role: { name: "customer", strict: true } },
          peer: { role: { name: "provider", strict: true } },
          speaker: { originate: [ours] },
        });
        await pair.established();
        await pair.exchanged({ ours });
        // ONLY_TO_CUSTOMER with our AS number.
        const otc = Buffer.from("c023040000fdf2", "hex");
        expectThat(
          "the route is marked",
          pair.sent("speaker", "UPDATE").some(({ bytes }) => Buffer.from(bytes).includes(otc)),
        );
        await using mismatch = await Pair.start(kind, {
          neighbor: { role: { name: "provider" } },
          peer: { role: { name: "provider" } },
        });
        // Whoever reads the other's OPEN first says so.
        await Promise.any([
          mismatch.notification("speaker", "2/11"),
          mismatch.notification("daemon", "2/11"),
        ]);
        expectEqual("the session", await mismatch.speaker.established(mismatch.their), false);
      },
    },
    {
      id: "extended-message-to-daemon",
      title: "An UPDATE of more than 4096 octets from Spinelab (RFC 8654)",
      async check(kind) {
        const communities = manyCommunities.map((value) => `65010:${value}`);
        await using pair = await Pair.start(kind, {
          peer: { exportPolicy: [{ name: "all", action: "accept", set: { communities } }] },
          speaker: { originate: [ours] },
        });
        await pair.established();
        await pair.exchanged({ ours });
        expectThat(
          "Spinelab sent a long message",
          pair.sent("speaker", "UPDATE").some(({ bytes }) => bytes.length > 4096),
        );
        const [path] = await pair.daemon.paths(ours);
        expectThat("the daemon has the communities", path!.communities.length > 0);
        expectThat("the session stays", await pair.daemon.established(pair.our));
      },
    },
    {
      id: "extended-message-to-spinelab",
      title: "An UPDATE of more than 4096 octets from the daemon (RFC 8654)",
      async check(kind) {
        const communities = manyCommunities.map((value) => `65020:${value}`);
        await using pair = await Pair.start(kind, {
          daemon: { routes: [{ prefix: theirs, communities }] },
        });
        await pair.established();
        await pair.exchanged({ theirs });
        expectThat(
          "the daemon sent a long message",
          pair.sent("daemon", "UPDATE").some(({ bytes }) => bytes.length > 4096),
        );
        const received = (await pair.speaker.received()).find(({ prefix }) => prefix === theirs)!;
        expectEqual("communities", received.attributes.communities?.length, communities.length);
      },
    },
  ],
};
