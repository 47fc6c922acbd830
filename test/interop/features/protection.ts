import { expectEqual } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { Pair, until } from "../pair.ts";

export const protection: Group = {
  title: "Protection of sessions",
  rows: [
    {
      id: "md5",
      title: "TCP MD5 (RFC 2385): with one password up, with two down",
      async check(kind) {
        await using pair = await Pair.start(kind, {
          neighbor: { password: "leaf-spine" },
          peer: { password: "leaf-spine" },
        });
        await pair.established();
        expectEqual("segments with a wrong digest", await pair.counter("TCPMD5Failure"), 0);
        await using wrong = await Pair.start(kind, {
          neighbor: { password: "leaf-spine" },
          peer: { password: "spine-leaf" },
        });
        await until(
          "the kernel drops a segment with a wrong digest",
          async () => (await wrong.counter("TCPMD5Failure")) > 0,
        );
        expectEqual("the state", (await wrong.peer()).state === "Established", false);
      },
    },
    {
      id: "gtsm",
      title: "GTSM (RFC 5082): on both sides up, on Spinelab's alone down",
      async check(kind) {
        await using pair = await Pair.start(kind, {
          neighbor: { ttlSecurity: true },
          peer: { ttlSecurityHops: 1 },
        });
        await pair.established();
        await using alone = await Pair.start(kind, { peer: { ttlSecurityHops: 1 } });
        await until(
          "the kernel drops a packet from too far",
          async () => (await alone.counter("TCPMinTTLDrop")) > 0,
        );
        expectEqual("the state", (await alone.peer()).state === "Established", false);
      },
    },
  ],
};
