import { describe, expect, test } from "vitest";
import {
  matchesPatterns,
  parseSshConfig,
  readSshSettings,
  resolveSshSettings,
} from "./client-config.ts";
import { sshHome } from "./server.testkit.ts";
import type { SshTarget } from "./target.ts";

const env = { HOME: "/home/operator", USER: "operator", SSH_AUTH_SOCK: "/tmp/agent" };

function settings(text: string, target: SshTarget = { host: "lab" }) {
  return resolveSshSettings(target, parseSshConfig(text, "config"), env);
}

describe("values", () => {
  test("without a configuration", () => {
    expect(settings("")).toEqual({
      host: "lab",
      port: 22,
      user: "operator",
      identityFiles: [],
      identitiesOnly: false,
      agentSocket: "/tmp/agent",
      jumps: [],
      proxyCommandAt: undefined,
      knownHostsFiles: [
        "/home/operator/.ssh/known_hosts",
        "/home/operator/.ssh/known_hosts2",
        "/etc/ssh/ssh_known_hosts",
        "/etc/ssh/ssh_known_hosts2",
      ],
      hostKeyAlias: undefined,
      unsupported: [],
    });
  });

  test("the first value counts, keys add up, case and = are free, comments end a line", () => {
    const found = settings(`
      # all labs
      Host lab other
        hostname=10.0.0.%h # where it is
        Port 2222
        User "net admin"
        IdentityFile ~/.ssh/lab
      Host *
        Port 22
        USER nobody
        IdentityFile %d/keys/%r@%h:%p
        IdentitiesOnly yes
    `);
    expect(found).toMatchObject({ host: "10.0.0.lab", port: 2222, user: "net admin" });
    expect(found.identityFiles).toEqual([
      "/home/operator/.ssh/lab",
      "/home/operator/keys/net admin@10.0.0.lab:2222",
    ]);
    expect(found.identitiesOnly).toBe(true);
  });

  test("what the address says goes before the configuration", () => {
    const found = settings("Host lab\n Port 1\n User a\n", { host: "lab", port: 2, user: "b" });
    expect(found).toMatchObject({ port: 2, user: "b" });
  });

  test.each([
    ["IdentityAgent none", undefined],
    ["IdentityAgent SSH_AUTH_SOCK", "/tmp/agent"],
    ["IdentityAgent ~/agent.sock", "/home/operator/agent.sock"],
    ["IdentityAgent $SSH_AUTH_SOCK", "/tmp/agent"],
    ["IdentityAgent ${HOME}/a", "/home/operator/a"],
  ])("%s", (line, socket) => {
    expect(settings(line).agentSocket).toBe(socket);
  });

  test("several files of known hosts, and none", () => {
    expect(
      settings("UserKnownHostsFile ~/a /b\nGlobalKnownHostsFile none").knownHostsFiles,
    ).toEqual(["/home/operator/a", "/b"]);
  });
});

describe("which lines count", () => {
  test.each([
    ["lab", ["lab"], true],
    ["lab1", ["lab?"], true],
    ["lab1.example", ["*.example", "!lab1*"], false],
    ["labXexample", ["lab.example"], false],
    ["LAB", ["lab"], true],
  ])("%s against %s", (text, patterns, matches) => {
    expect(matchesPatterns(text, patterns)).toBe(matches);
  });

  test("Match by host, original host, user; all of it has to hold", () => {
    const text = `
      Host lab
        HostName 10.0.0.1
      Match originalhost lab host 10.* user operator
        Port 1111
      Match user root
        Port 2222
      Match all
        Port 3333
    `;
    expect(settings(text).port).toBe(1111);
    expect(settings(text, { host: "lab", user: "root" }).port).toBe(2222);
    expect(settings(text, { host: "x" }).port).toBe(3333);
  });

  test("a Match that needs a program never matches, and is told", () => {
    const found = settings(`Match exec "true"\n Port 1\nHost lab\n Port 2`);
    expect(found.port).toBe(2);
    expect(found.unsupported).toEqual(["config:1: Match exec true"]);
  });

  test("Include is read in place, inside the block it stands in, and its own blocks end with it", () => {
    const home = sshHome({
      config: "Host lab\n Include parts/../part-*\n User late\n",
      "part-1": "Port 2022\nHost nothing\n User wrong\n",
    });
    expect(readSshSettings({ host: "lab" }, home)).toMatchObject({ port: 2022, user: "late" });
    expect(readSshSettings({ host: "other" }, home)).toMatchObject({ port: 22, user: "operator" });
  });

  test("a file that includes itself is refused", () => {
    const home = sshHome({ config: "Include config\n" });
    expect(() => readSshSettings({ host: "lab" }, home)).toThrow("Include goes in circles");
  });
});

describe("jump hosts", () => {
  test("in order", () => {
    expect(settings("ProxyJump a@one:1,ssh://two").jumps).toEqual([
      { host: "one", user: "a", port: 1 },
      { host: "two" },
    ]);
  });

  test("none ends the search", () => {
    expect(settings("Host lab\n ProxyJump none\nHost *\n ProxyJump one").jumps).toEqual([]);
  });

  test("of ProxyJump and ProxyCommand the first counts", () => {
    const command = settings("ProxyCommand nc %h %p\nProxyJump one");
    expect([command.proxyCommandAt, command.jumps]).toEqual(["config:1", []]);
    const jump = settings("ProxyJump one\nProxyCommand nc %h %p");
    expect([jump.proxyCommandAt, jump.jumps]).toEqual([undefined, [{ host: "one" }]]);
    expect(settings("ProxyCommand none").proxyCommandAt).toBeUndefined();
  });
});
