import { describe, expect, test } from "vitest";
import { portBindings } from "./port-bindings.ts";

describe("ports as docker run takes them", () => {
  test.each([
    ["80", "80/tcp", { HostIp: "", HostPort: "" }],
    ["8080:80", "80/tcp", { HostIp: "", HostPort: "8080" }],
    ["5353:53/udp", "53/udp", { HostIp: "", HostPort: "5353" }],
    ["127.0.0.1:2211:22", "22/tcp", { HostIp: "127.0.0.1", HostPort: "2211" }],
    ["127.0.0.1::22", "22/tcp", { HostIp: "127.0.0.1", HostPort: "" }],
    ["[::1]:2211:22/tcp", "22/tcp", { HostIp: "::1", HostPort: "2211" }],
  ])("%s", (written, key, binding) => {
    expect(portBindings([written])).toEqual({
      ExposedPorts: { [key]: {} },
      PortBindings: { [key]: [binding] },
    });
  });

  test("ranges, and a port published twice", () => {
    const { PortBindings } = portBindings(["8000-8001:80-81", "9000:80"]);
    expect(PortBindings).toEqual({
      "80/tcp": [
        { HostIp: "", HostPort: "8000" },
        { HostIp: "", HostPort: "9000" },
      ],
      "81/tcp": [{ HostIp: "", HostPort: "8001" }],
    });
  });

  test.each(["", "http", "80/icmp", "0:80", "70000", "1-2:80", "9-8", "a:b:c:d"])(
    "'%s' is refused by name",
    (written) => {
      expect(() => portBindings([written])).toThrow(`'${written}'`);
    },
  );
});
