import { describe, expect, it } from "vitest";
import { address } from "../../net/address.ts";
import { prefix } from "../../net/prefix.ts";
import type { PeerConfig } from "./config.ts";
import { peerConfig, speakerConfig, TestNet, type TestNode } from "./two-speakers.testkit.ts";

/** Three spokes announce one prefix to the hub, which passes it on to `out`. */
function net(send: NonNullable<PeerConfig["addPath"]>["send"], receive = true) {
  const lab = new TestNet();
  if (send !== undefined && receive) lab.numbered.add(address("10.0.0.9"));
  const at = (i: number) => `10.0.0.${i}`;
  const addPath = send === undefined ? {} : { addPath: { send } };
  const peers = [2, 3, 4, 9].map((i) =>
    peerConfig({ name: `p${i}`, address: at(i), ...(i === 9 && addPath) }),
  );
  const hub = lab.add(speakerConfig({ localAsn: 65000, routerId: "1.1.1.1", peers }), at(1));
  const toHub = (i: number, of: Partial<PeerConfig> = {}) => ({
    localAsn: 65000 + i,
    routerId: `0.0.0.${i}`,
    peers: [peerConfig({ ...of, address: at(1) })],
  });
  const spokes = [2, 3, 4].map((i) =>
    lab.add(speakerConfig({ ...toHub(i), originate: ["10.9.0.0/16", `10.${i}.0.0/16`] }), at(i)),
  );
  const out = lab.add(
    speakerConfig(toHub(9, receive ? { addPath: { receive: true } } : {})),
    at(9),
  );
  lab.settle();
  return { lab, hub, spokes, out };
}

/** First AS numbers but the hub's of the paths to the prefix, by path id. */
const paths = (node: TestNode, of = "10.9.0.0/16") =>
  node.speaker
    .routesReceived()
    .filter((route) => route.prefix === of)
    .map(({ attributes }) => attributes.asPath[0]!.asns[1])
    .sort();

describe("several paths to one prefix (RFC 7911)", () => {
  it("all of them go out, each with an identifier of its own, and each is a candidate there", () => {
    const { hub, out } = net("all");
    expect(paths(out)).toEqual([65002, 65003, 65004]);
    const received = out.speaker.routesReceived().filter((of) => of.prefix === "10.9.0.0/16");
    expect(new Set(received.map(({ pathId }) => pathId)).size).toBe(3);
    expect(received.filter(({ best }) => best)).toHaveLength(1);
    expect(out.speaker.explain(prefix("10.9.0.0/16")).candidates).toHaveLength(3);
    const sent = hub.speaker.routesAdvertised("p9").filter((of) => of.prefix === "10.9.0.0/16");
    expect(sent.map(({ pathId }) => pathId).sort()).toEqual(
      received.map(({ pathId }) => pathId).sort(),
    );
    // Others get the best one, as ever.
    expect(hub.speaker.routesAdvertised("p3").every(({ pathId }) => pathId === undefined)).toBe(
      true,
    );
  });

  it("the best so many", () => {
    expect(paths(net(2).out)).toEqual([65002, 65003]);
  });

  it.each([
    [undefined, true],
    ["all", false],
  ] as const)("only where both want it: send %s, receive %s", (send, receive) => {
    const { out } = net(send, receive);
    expect(paths(out)).toEqual([65002]);
    expect(out.speaker.routesReceived()[0]).not.toHaveProperty("pathId");
  });

  it("one that goes is withdrawn by its identifier; one that does not win comes and goes too", () => {
    const { lab, spokes, out } = net("all");
    lab.crash(spokes[0]!);
    lab.run(10);
    expect(paths(out)).toEqual([65003, 65004]);
    expect(paths(out, "10.2.0.0/16")).toEqual([]);
    lab.crash(spokes[2]!);
    lab.run(10);
    expect(paths(out)).toEqual([65003]);
    expect(
      out.speaker
        .routesAvailable()
        .map((route) => route.prefix)
        .sort(),
    ).toEqual(["10.3.0.0/16", "10.9.0.0/16"]);
  });

  it("with the best so many the next one moves up", () => {
    const { lab, spokes, out } = net(2);
    lab.crash(spokes[0]!);
    lab.run(10);
    expect(paths(out)).toEqual([65003, 65004]);
  });
});
