import { expect, it } from "vitest";
import { address } from "../net/address.ts";
import { iptables } from "./shell/iptables.ts";
import type { SimSocket } from "./tcp-socket.ts";
import { World } from "./world.ts";

const [a, b] = [address("10.0.0.1"), address("10.0.0.2")];

function pair() {
  const world = new World(() => 0.5);
  const { network } = world;
  const nodes = ["a", "b"].map((name) => network.addNode(name));
  const cable = network.connect(
    { node: "a", interface: "net0" },
    { node: "b", interface: "net0" },
    1,
  );
  nodes[0]!.addAddress("net0", { address: a, prefixLength: 24 });
  nodes[1]!.addAddress("net0", { address: b, prefixLength: 24 });
  const heard: string[] = [];
  const listen = (password?: string) =>
    world.tcp.listen(nodes[1]!, 179, {
      passwordFor: () => password,
      onAccepted: (socket) => {
        accepted = socket;
        socket.listen({
          onReceived: (bytes) => heard.push(`${Math.round(world.clock.nowMs)}: ${bytes.join(" ")}`),
          onClosed: (reason) => heard.push(`closed ${reason ?? "in order"}`),
        });
      },
    });
  const told: string[] = [];
  let own: SimSocket | undefined;
  let accepted: SimSocket | undefined;
  const connect = (password?: string) =>
    world.tcp.connect(
      nodes[0]!,
      { remoteAddress: b, port: 179, ...(password !== undefined && { password }) },
      {
        onConnected: (socket) => {
          own = socket;
          told.push("connected");
          socket.listen({
            onReceived: (bytes) => told.push(bytes.join(" ")),
            onClosed: (reason) => told.push(`closed ${reason ?? "in order"}`),
          });
        },
        onFailed: (reason) => told.push(reason),
      },
    );
  const run = (untilMs: number) => {
    while ((world.clock.nextMs ?? Infinity) <= untilMs) world.clock.step();
  };
  const filter = (rule: string) =>
    expect(iptables(nodes[1]!, "ipv4", rule.split(" "))).toMatchObject({ exitCode: 0 });
  const sockets = { socket: () => own!, accepted: () => accepted! };
  return { world, nodes, cable, heard, told, listen, connect, run, filter, ...sockets };
}

it("carries bytes in order, and an end after them", () => {
  const { listen, connect, run, socket, heard, told } = pair();
  listen();
  connect();
  run(10);
  expect(told).toEqual(["connected"]);
  socket().send(Uint8Array.of(1));
  socket().send(Uint8Array.of(2, 3));
  socket().close();
  run(20);
  expect(heard.map((line) => line.replace(/^\d+: /, ""))).toEqual(["1", "2 3", "closed in order"]);
});

it("is refused where nobody listens, and hears nothing where passwords differ", () => {
  const refused = pair();
  refused.connect();
  refused.run(10);
  expect(refused.told).toEqual(["ECONNREFUSED"]);

  const silent = pair();
  silent.listen("right");
  silent.connect("wrong");
  silent.run(126_000);
  expect(silent.told).toEqual([]);
  silent.run(200_000);
  expect(silent.told).toEqual(["ETIMEDOUT"]);
});

it("sends again what was lost with a cut cable, and gives up after a quarter of an hour", () => {
  const { world, cable, listen, connect, run, socket, heard, told } = pair();
  listen();
  connect();
  run(10);
  world.network.setCable(cable, false);
  socket().send(Uint8Array.of(7));
  run(1_000);
  expect(heard).toEqual([]);
  world.network.setCable(cable, true);
  run(5_000);
  expect(heard).toHaveLength(1);
  world.network.setCable(cable, false);
  socket().send(Uint8Array.of(8));
  run(2_000_000);
  expect(told.at(-1)).toBe("closed ETIMEDOUT");
});

it("what waits for a neighbor at a cut cable goes when that is asked for again, before it is sent again", () => {
  const { world, cable, listen, connect, run, socket, heard } = pair();
  listen();
  connect();
  run(10);
  world.network.setCable(cable, false);
  socket().send(Uint8Array.of(7));
  // Sent again 200, 600, 1,400 and 3,000 ms after it was sent first; asked for at each second of three.
  run(1_500);
  world.network.setCable(cable, true);
  run(6_000);
  expect(heard).toEqual(["2004: 7"]);
});

it("a connection over a cut cable is made when the neighbor is asked for again, or fails", () => {
  const { world, cable, listen, connect, run, told } = pair();
  listen();
  world.network.setCable(cable, false);
  connect();
  run(1_500);
  world.network.setCable(cable, true);
  run(2_010);
  expect(told).toEqual(["connected"]);
  world.network.setCable(cable, false);
  connect();
  run(6_000);
  expect(told).toEqual(["connected", "EHOSTUNREACH"]);
});

it("a machine that lost its power answers with a reset once it is back", () => {
  const { world, nodes, listen, connect, run, socket, told } = pair();
  listen();
  connect();
  run(10);
  world.tcp.forget(nodes[1]!);
  world.network.setNode(nodes[1]!, false);
  socket().send(Uint8Array.of(1));
  run(500);
  expect(told).toEqual(["connected"]);
  world.network.setNode(nodes[1]!, true);
  run(5_000);
  expect(told).toEqual(["connected", "closed ECONNRESET"]);
});

it("a rule that drops one direction stops both, since nobody acknowledges; later all comes, once", () => {
  const { listen, connect, run, filter, socket, accepted, heard, told } = pair();
  listen();
  connect();
  run(10);
  filter("-A INPUT -p tcp --dport 179 -j DROP");
  socket().send(Uint8Array.of(1));
  accepted().send(Uint8Array.of(2));
  run(1_000);
  accepted().send(Uint8Array.of(3));
  run(5_000);
  expect(heard).toEqual([]);
  expect(told).toEqual(["connected", "2"]);
  filter("-D INPUT -p tcp --dport 179 -j DROP");
  accepted().send(Uint8Array.of(4));
  run(20_000);
  expect(heard.map((line) => line.replace(/^\d+: /, ""))).toEqual(["1"]);
  expect(told).toEqual(["connected", "2", "3", "4"]);
});

it("a rule that rejects refuses connections, and ends one only where it resets", () => {
  const { listen, connect, run, filter, socket, told } = pair();
  listen();
  filter("-A INPUT -p tcp --dport 179 -j REJECT");
  connect();
  run(10);
  expect(told).toEqual(["ECONNREFUSED"]);
  filter("-D INPUT -p tcp --dport 179 -j REJECT");
  connect();
  run(20);
  filter("-A INPUT -p tcp --dport 179 -j REJECT");
  socket().send(Uint8Array.of(1));
  run(5_000);
  expect(told).toEqual(["ECONNREFUSED", "connected"]);
  filter("-D INPUT -p tcp --dport 179 -j REJECT");
  filter("-A INPUT -p tcp --dport 179 -j REJECT --reject-with tcp-reset");
  socket().send(Uint8Array.of(1));
  run(20_000);
  expect(told).toEqual(["ECONNREFUSED", "connected", "closed ECONNRESET"]);
});
