import { beforeEach, expect, test } from "vitest";
import type { CheckContext, Look } from "../check.ts";
import { PreconditionError } from "../context.ts";
import { FakeLab } from "../testing/fake-lab.ts";
import { checkOf } from "../testing/read-scenario.ts";
import { http } from "./http.ts";

const place = "default/netshoot-kind-worker@kind-worker";
const fromTo = "from: netshoot@kind-worker, to: netshoot@kind-worker3";
const command = "curl -sSv -w \n%{http_code} --max-time 3 http://10.1.3.1:80/";

let lab: FakeLab;

beforeEach(() => {
  lab = new FakeLab();
  lab.addPod("kind-worker", "10.1.1.1");
  lab.addPod("kind-worker3", "10.1.3.1");
});

async function look(yaml: string): Promise<Look> {
  const step: CheckContext["step"] = {
    beganMs: 0,
    probe: () => undefined,
    convergeMs: () => undefined,
    logsBefore: new Map(),
  };
  const check = checkOf(yaml) as Parameters<typeof http.look>[1];
  return await http.look({ ...lab.labContext, step }, check);
}

test("http", async () => {
  lab.answer(place, command, "hello\n\n200");
  expect(await look(`http: { ${fromTo}, body: hello }`)).toMatchObject({ ok: true });
  const seen = expect.stringMatching(/status 200: hello/) as string;
  expect(await look(`http: { ${fromTo}, status: 404 }`)).toMatchObject({ ok: false, seen });
  expect(await look(`http: { ${fromTo}, fails: refused }`)).toMatchObject({ ok: false });
});

const said =
  "curl: (7) Failed to connect to 10.1.3.1 port 80 after 3 ms: Couldn't connect to server";
test.each([
  // As curl 7.88 (glibc), 8.14 and Alpine's (musl) say it.
  ["refused", 7, `* connect to 10.1.3.1 port 80 failed: Connection refused\n${said}`],
  [
    "refused",
    7,
    `* connect to 10.1.3.1 port 80 from 10.1.1.1 port 41000 failed: Connection refused\r\n${said}`,
  ],
  ["unreachable", 7, `* Immediate connect fail for 10.1.3.1: Network is unreachable\n${said}`],
  ["unreachable", 7, `* connect to 10.1.3.1 port 80 failed: No route to host\n${said}`],
  ["unreachable", 7, `* Immediate connect fail for fd00::1: Network unreachable\n${said}`],
  ["timeout", 28, "curl: (28) Connection timed out after 3001 milliseconds"],
  ["", 56, "curl: (56) Recv failure: Connection reset by peer"],
])("http that fails: %s, status %i, %s", async (why, exitCode, stderr) => {
  lab.answer(place, command, {
    exitCode,
    stderr,
  });
  expect(await look(`http: { ${fromTo} }`)).toMatchObject({ ok: false });
  for (const fails of ["refused", "unreachable", "timeout"]) {
    const { ok, seen } = await look(`http: { ${fromTo}, fails: ${fails} }`);
    expect({ fails, ok }).toEqual({ fails, ok: fails === why });
    expect(seen).toMatch(/^[^*]*curl: \(\d+\) [^*]+$/);
  }
});

test("a curl that does not say why it could not connect says nothing", async () => {
  lab.answer(place, command, {
    exitCode: 7,
    stderr: said,
  });
  await expect(look(`http: { ${fromTo}, fails: refused }`)).rejects.toThrow(PreconditionError);
  expect(await look(`http: { ${fromTo} }`)).toMatchObject({ ok: false });
});
