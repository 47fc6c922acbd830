import { describe, expect, test } from "vitest";
import {
  checkHostKey,
  fingerprint,
  hostKeyAlgorithms,
  knownHostName,
  parseKnownHosts,
} from "./known-hosts.ts";

// Made by ssh-keygen: a key, its fingerprint by `ssh-keygen -l`, and its lines after `ssh-keygen -H`.
const text = "AAAAC3NzaC1lZDI1NTE5AAAAILQNpxnP+Qyedfz60mxz6MAbFwt3iIa43eaKfHdthZNd";
const key = Buffer.from(text, "base64");
const hashed = `
|1|Z9oo4G4VvuHRb2C2rIi+RFVhYJQ=|fWdEPBLrytTqVxls1704ebxKYtM= ssh-ed25519 ${text}
|1|mgA9DXFL4C0i5oNiAt+ksW6V1pI=|DbBP3q2egONLjyl56zHePMYEWm8= ssh-ed25519 ${text}
`;
const other = Buffer.from(key);
other[other.length - 1]! ^= 1;

const verdict = (file: string, name: string, shown = key) =>
  checkHostKey(parseKnownHosts(file, "known_hosts"), name, shown);

test("the fingerprint is the one that ssh-keygen prints", () => {
  expect(fingerprint(key)).toBe("SHA256:Ms58arv2ny5GJycCltinFPPvzcPPYiEISWukEUval7E (ssh-ed25519)");
});

test("a port that is not 22 is part of the name", () => {
  expect(knownHostName("lab", 22)).toBe("lab");
  expect(knownHostName("lab", 2222)).toBe("[lab]:2222");
});

describe("an entry", () => {
  test.each([
    ["plain", `lab,10.0.0.1 ssh-ed25519 ${text}`, "10.0.0.1"],
    ["with a port", `[lab]:2222 ssh-ed25519 ${text} comment`, "[lab]:2222"],
    ["with a pattern", `*.example,!bad.example ssh-ed25519 ${text}`, "lab.example"],
    ["hashed", hashed, "10.0.0.1"],
    ["hashed with a port", hashed, "[lab.example]:2222"],
    ["after comments and damage", `# x\n\nlab\nlab 1024\nlab ssh-ed25519 ${text}`, "lab"],
  ])("%s is found", (_, file, name) => {
    expect(verdict(file, name)).toEqual({ verdict: "known" });
  });

  test.each([
    ["of another host", `lab2 ssh-ed25519 ${text}`],
    ["of another port", `[lab]:2222 ssh-ed25519 ${text}`],
    ["hashed, of another host", hashed],
    ["ruled out by a pattern", `*,!lab ssh-ed25519 ${text}`],
    ["of another type", `lab ssh-rsa ${text}`],
    ["of an authority, whose certificates are not read", `@cert-authority lab ssh-ed25519 ${text}`],
    ["with a marker nobody knows", `@new lab ssh-ed25519 ${text}`],
  ])("%s does not count", (_, file) => {
    expect(verdict(file, "lab")).toEqual({ verdict: "unknown" });
  });

  test("with another key of that type is a change, and is named", () => {
    const file = `# one\nlab ssh-ed25519 ${text}`;
    expect(verdict(file, "lab", other)).toEqual({ verdict: "changed", at: "known_hosts:2" });
  });

  test("of two keys of one type either serves", () => {
    const file = `lab ssh-ed25519 ${other.toString("base64")}\nlab ssh-ed25519 ${text}`;
    expect(verdict(file, "lab")).toEqual({ verdict: "known" });
  });

  test("that revokes a key goes before one that knows it", () => {
    const file = `lab ssh-ed25519 ${text}\n@revoked * ssh-ed25519 ${text}`;
    expect(verdict(file, "lab")).toEqual({ verdict: "revoked", at: "known_hosts:2" });
    expect(verdict(file, "lab", other)).toMatchObject({ verdict: "changed" });
  });
});

test("types of keys that are known come first", () => {
  const known = parseKnownHosts(`lab ssh-rsa AAAA\nelse ecdsa-sha2-nistp256 AAAA`, "known_hosts");
  const supported = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"];
  expect(hostKeyAlgorithms(known, "lab", supported)).toEqual([
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
  ]);
});
