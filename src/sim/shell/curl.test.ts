import { expect, it } from "vitest";
import { World } from "../world.ts";
import { drive } from "../drive.ts";
import { curl } from "./curl.ts";
import { ip } from "./ip.ts";
import { iptables } from "./iptables.ts";
import { startProgram } from "./programs.ts";

/** client – server, which answers on port 8080 with the address that it sees. */
function pair() {
  const world = new World(() => 0.5);
  drive(world);
  const { network } = world;
  const [client, server] = ["client", "server"].map((name) => network.addNode(name));
  const end = (node: string) => ({ node, interface: "net0" });
  const cable = network.connect(end("client"), end("server"), 1);
  ip(client!, ["addr", "add", "10.0.0.1/24", "dev", "net0"]);
  ip(server!, ["addr", "add", "10.0.0.2/24", "dev", "net0"]);
  const script =
    `SYSTEM:'while read -r line; do [ \\\${#line} -gt 1 ] || break; done; ` +
    `printf "HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\n"; echo "$(hostname) saw $SOCAT_PEERADDR"'`;
  const place = { world, node: server!, hostname: "srv", readFile: () => undefined };
  const end8080 = startProgram(place, ["socat", "TCP4-LISTEN:8080,fork,reuseaddr", script]);
  const get = (url: string) =>
    curl(world, client!, ["-sS", "-w", "\n%{http_code}", "--max-time", "3", url]);
  return { world, client: client!, server: server!, cable, place, get, end: end8080 };
}

it("gets an answer after two round trips", async () => {
  const { world, get } = pair();
  expect(await get("http://10.0.0.2:8080/")).toEqual({
    ...{ exitCode: 0, stderr: "" },
    stdout: "srv saw 10.0.0.1\n\n200",
  });
  expect(world.clock.nowMs).toBe(4);
});

it("is refused where nobody listens, and where an iptables rule rejects", async () => {
  const { get, server, end } = pair();
  const rule = "-A INPUT -p tcp --dport 8080 ! -s 10.0.0.9 -j REJECT --reject-with tcp-reset";
  expect(await get("http://10.0.0.2:8081/")).toMatchObject({ exitCode: 7 });
  expect(iptables(server, "ipv4", rule.split(" "))).toMatchObject({ exitCode: 0 });
  expect(await get("http://10.0.0.2:8080/")).toMatchObject({ exitCode: 7 });
  expect(iptables(server, "ipv4", rule.replace("-A", "-D").split(" "))).toMatchObject({
    exitCode: 0,
  });
  expect(await get("http://10.0.0.2:8080/")).toMatchObject({ exitCode: 0 });
  end();
  expect(await get("http://10.0.0.2:8080/")).toMatchObject({ exitCode: 7 });
});

it("says why it could not connect where it is asked to: refused, or no way there", async () => {
  const { world, client, get } = pair();
  const verbose = (url: string) => curl(world, client, ["-sSv", url]);
  const said = (port: number) =>
    `curl: (7) Failed to connect to 10.0.0.2 port ${port} after 2 ms: Couldn't connect to server\n`;
  const refused = `* connect to 10.0.0.2 port 8081 failed: Connection refused\n${said(8081)}`;
  expect(await verbose("http://10.0.0.2:8081/")).toMatchObject({ exitCode: 7, stderr: refused });
  expect(await get("http://10.0.0.2:8081/")).toMatchObject({ stderr: said(8081) });
  expect((await verbose("http://10.9.0.1/"))!.stderr).toMatch(
    /^\* Immediate connect fail for 10\.9\.0\.1: Network is unreachable\ncurl: \(7\) /,
  );
  ip(client, ["route", "add", "10.9.0.0/24", "via", "10.0.0.2"]);
  expect((await verbose("http://10.9.0.1/"))!.stderr).toMatch(
    /^\* connect to 10\.9\.0\.1 port 80 failed: Network is unreachable\n/,
  );
});

it("waits as long as it may where nothing is heard, and sends again what was lost", async () => {
  const { world, get, cable } = pair();
  world.network.setCable(cable, false);
  expect(await get("http://10.0.0.2:8080/")).toMatchObject({ exitCode: 28 });
  expect(world.clock.nowMs).toBe(3000);
  world.clock.setTimer(500, () => world.network.setCable(cable, true));
  expect(await get("http://10.0.0.2:8080/")).toMatchObject({ exitCode: 0 });
  expect(world.clock.nowMs).toBe(4004);
});

it("cannot tell what an unknown program answers", async () => {
  const { get, place } = pair();
  startProgram(place, ["python3", "-m", "http.server"]);
  await expect(get("http://10.0.0.2:8000/")).rejects.toThrow(/python3 -m http.server/);
});

it("knows nothing of names and of TLS", async () => {
  const { get } = pair();
  expect(await get("http://server/")).toBeUndefined();
  expect(await get("https://10.0.0.2/")).toBeUndefined();
});
