import { expect, it } from "vitest";
import { prefix } from "../../net/prefix.ts";
import { WellKnownCommunity } from "../wire/registry.ts";
import { configA, configB, TestNet } from "./two-speakers.testkit.ts";

const { blackhole, noExport } = WellKnownCommunity;

it.each([
  [true, [blackhole, noExport]],
  [false, [blackhole]],
])("keepsBlackholes %s: a route with BLACKHOLE has %j (RFC 7999 §3.2)", (isKept, communities) => {
  const net = new TestNet();
  const to = prefix("10.1.0.0/16");
  const exportPolicy = [
    { name: "all", action: "accept" as const, set: { communities: [blackhole] } },
  ];
  net.add(configA({ originate: [to], peer: { exportPolicy } }), "10.0.0.1");
  const b = net.add(configB({ peer: { keepsBlackholes: isKept } }), "10.0.0.2");
  net.settle();
  expect(b.speaker.explain(to).best).toMatchObject({ attributes: { communities } });
});
