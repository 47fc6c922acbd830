import type { BgpDaemon } from "../daemons/daemon.ts";
import type { Group } from "../matrix.ts";
import { Pair, until } from "../pair.ts";

/** A session with BFD is up on both sides, goes when BFD's packets are lost, and comes back with them. */
async function bfdSession(kind: BgpDaemon, over: "ipv4" | "ipv6"): Promise<void> {
  await using pair = await Pair.start(kind, { over, neighbor: { bfd: true }, peer: { bfd: {} } });
  const bothUp = async () => {
    await pair.established();
    if (pair.daemon.bfdUp === undefined) throw new Error("the daemon shows no BFD");
    await until("BFD is up on both sides", async () => {
      const { bfd } = await pair.peer();
      return bfd?.state === "Up" && (await pair.daemon.bfdUp!(pair.our));
    });
  };
  await bothUp();
  const { establishedAtMs } = await pair.peer();
  // BGP's own packets still go through: nothing but BFD can notice before the hold time is over.
  const rules = [
    "add table inet lost",
    "add chain inet lost in { type filter hook input priority 0 ; }",
    "add chain inet lost out { type filter hook output priority 0 ; }",
    "add rule inet lost in udp dport 3784 drop",
    "add rule inet lost out udp dport 3784 drop",
  ];
  await pair.ours.run("nft", rules.join("; "));
  await until("the daemon's BFD is down", async () => !(await pair.daemon.bfdUp!(pair.our)));
  await until("Spinelab's BFD is down, and with it the session", async () => {
    const peer = await pair.peer();
    // Another BGP session may begin without BFD.
    return peer.bfd?.state !== "Up" && peer.establishedAtMs !== establishedAtMs;
  });
  await pair.ours.run("nft", "delete table inet lost");
  await bothUp();
}

export const bfd: Group = {
  title: "BFD (RFC 5880, 5881)",
  rows: [
    {
      id: "bfd-ipv4",
      title: "IPv4: up on both sides, ends the session when its packets are lost, and back",
      check: (kind) => bfdSession(kind, "ipv4"),
    },
    {
      id: "bfd-ipv6",
      title: "IPv6: the same",
      check: (kind) => bfdSession(kind, "ipv6"),
    },
  ],
};
