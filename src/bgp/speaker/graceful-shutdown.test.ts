import { expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { configA, configB, peerConfig, TestNet, twoSpeakers } from "./two-speakers.testkit.ts";

it("GRACEFUL_SHUTDOWN of an external peer makes its routes the last choice, unless a policy says otherwise (RFC 8326)", () => {
  const net = new TestNet();
  const to = prefix("10.1.0.0/16");
  const going = (communities: number[]) =>
    configA({
      originate: [to],
      peer: { exportPolicy: [{ name: "all", action: "accept", set: { communities } }] },
    });
  const a = net.add(going([]), "10.0.0.1");
  // Longer by one AS: used only when the other goes.
  const longer = [{ name: "all", action: "accept" as const, set: { asPathPrepend: 1 } }];
  const other = configA({ originate: [to], peer: { exportPolicy: longer } });
  net.add({ ...other, localAsn: 65003 }, "10.0.0.3");
  const config = configB({ originate: [] });
  config.peers.push(peerConfig({ name: "c", address: "10.0.0.3" }));
  const b = net.add(config, "10.0.0.2");
  net.settle();
  const best = () => b.speaker.explain(to).best;
  expect(best()?.peer).toBe("a");
  net.configure(a, going([WellKnownCommunity.gracefulShutdown]));
  net.run(10);
  expect(best()?.peer).toBe("c");
  const route = b.speaker.explain(to).candidates.find(({ peer }) => peer === "a");
  expect(route).toMatchObject({
    attributes: { localPref: 0 },
    droppedBy: { name: "highest LOCAL_PREF" },
  });
  const importPolicy = [{ name: "all", action: "accept" as const, set: { localPref: 100 } }];
  net.configure(b, { ...config, peers: config.peers.map((peer) => ({ ...peer, importPolicy })) });
  expect(best()?.peer).toBe("a");
});

it("of an internal peer it changes nothing: LOCAL_PREF is that peer's to say (RFC 8326 §4.2)", () => {
  const communities = [WellKnownCommunity.gracefulShutdown];
  const exportPolicy = [
    { name: "all", action: "accept" as const, set: { communities, localPref: 200 } },
  ];
  const { net, b } = twoSpeakers(
    { originate: ["10.1.0.0/16"], peer: { exportPolicy } },
    { localAsn: 65001 },
  );
  net.settle();
  expect(b.speaker.routesAvailable()).toMatchObject([
    { attributes: { localPref: 200, communities } },
  ]);
});
