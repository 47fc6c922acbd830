import { expect, test } from "vitest";
import { InputError } from "../../input/diagnostic.ts";
import { parseJump, parseSshUrl, withoutPassword } from "./target.ts";

test.each([
  ["ssh://lab", { host: "lab" }],
  ["ssh://root@lab.example:2222", { host: "lab.example", user: "root", port: 2222 }],
  [
    "ssh://[2001:db8::1]:22/run/docker.sock",
    { host: "2001:db8::1", port: 22, path: "/run/docker.sock" },
  ],
  ["ssh://a%40b@lab/", { host: "lab", user: "a@b" }],
])("%s", (text, target) => {
  expect(parseSshUrl(text, "--docker")).toEqual(target);
});

test("an alias of the configuration keeps its case", () => {
  expect(parseSshUrl("ssh://MyLab", "--docker").host).toBe("MyLab");
});

test.each([
  ["tcp://lab:22", "expected ssh://user@host:port/path"],
  ["ssh://", "expected ssh://user@host:port/path"],
  ["ssh://root:hunter2@lab", "with a password"],
  ["ssh://lab?x=1", "no query"],
  ["ssh://-oProxyCommand=x", "not a host name"],
])("%s is refused", (text, why) => {
  const parse = (): unknown => parseSshUrl(text, "DOCKER_HOST");
  expect(parse).toThrow(InputError);
  expect(parse).toThrow(why);
  expect(parse).toThrow(/^DOCKER_HOST: /);
  expect(parse).not.toThrow("hunter2");
});

test("a jump host is written with or without ssh://", () => {
  const target = { host: "jump", user: "me", port: 2200 };
  expect(parseJump("me@jump:2200", "config:1")).toEqual(target);
  expect(parseJump("ssh://me@jump:2200", "config:1")).toEqual(target);
});

test("a password is not shown, whatever the scheme", () => {
  expect(withoutPassword("tcp://me:hunter2@lab:2375")).toBe("tcp://me:…@lab:2375");
  expect(withoutPassword("ssh://me@lab")).toBe("ssh://me@lab");
});
