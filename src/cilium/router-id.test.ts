import { describe, expect, test } from "vitest";
import { defaultRouterId } from "./router-id.ts";

function routerId(addresses: { type: string; ip: string }[], mac?: string): string | undefined {
  const node = {
    apiVersion: "cilium.io/v2" as const,
    kind: "CiliumNode" as const,
    metadata: { name: "kind-worker" },
    spec: { addresses },
  };
  return defaultRouterId(node, mac);
}

describe("router ID in default mode", () => {
  test("InternalIP comes first, wherever it stands", () => {
    const external = { type: "ExternalIP", ip: "192.0.2.1" };
    const internal = { type: "InternalIP", ip: "10.0.2.2" };
    expect(routerId([external, internal])).toBe("10.0.2.2");
    expect(routerId([internal, { type: "InternalIP", ip: "10.0.9.9" }])).toBe("10.0.2.2");
  });
  test("else the last ExternalIP", () => {
    const addresses = [
      { type: "Other", ip: "10.9.9.9" },
      { type: "ExternalIP", ip: "192.0.2.1" },
      { type: "ExternalIP", ip: "192.0.2.2" },
    ];
    expect(routerId(addresses)).toBe("192.0.2.2");
  });
  test("else any other but CiliumInternalIP", () => {
    const cilium = { type: "CiliumInternalIP", ip: "10.1.3.115" };
    expect(routerId([cilium, { type: "Other", ip: "10.9.9.9" }])).toBe("10.9.9.9");
    expect(routerId([cilium])).toBeUndefined();
  });
  test("IPv6 addresses do not count", () => {
    expect(routerId([{ type: "InternalIP", ip: "fd00::2" }])).toBeUndefined();
  });
  test("else the last four bytes of the MAC address of cilium_host", () => {
    expect(routerId([{ type: "InternalIP", ip: "fd00::2" }], "02:42:0a:01:fe:ff")).toBe(
      "10.1.254.255",
    );
    expect(routerId([{ type: "InternalIP", ip: "10.0.2.2" }], "02:42:0a:01:fe:ff")).toBe(
      "10.0.2.2",
    );
    expect(routerId([], "02:42:0a")).toBeUndefined();
    expect(routerId([], "02:42:0a:01:fe:zz")).toBeUndefined();
  });
});
