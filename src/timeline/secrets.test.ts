import { expect, test } from "vitest";
import { createRecorder } from "./log.ts";
import type { TimelineRecord } from "./record.ts";
import { hideSecrets } from "./secrets.ts";

test.each([
  [" neighbor 10.0.4.2 password s3cret word\n neighbor 10.0.4.2 timers 1 3\n", "s3cret word"],
  ["vtysh -c 'router bgp 1' -c 'neighbor net0 password s3cret' -c 'end'", "s3cret"],
  ["config tor1: router bgp 65011, neighbor FABRIC password s3cret", "s3cret"],
  ["interface net0\n ip ospf message-digest-key 1 md5 s3cret\n exit", "s3cret"],
  ["interface net0\n ip ospf authentication-key s3cret\n exit", "s3cret"],
  ["key chain K\n key 1\n  key-string s3cret\n", "s3cret"],
  ["hostname tor0\npassword s3cret\nenable password 8 s3cret\n", "s3cret"],
  ['protocol bgp a { neighbor 10.0.0.1 as 1; password "s3 cret"; }', "s3 cret"],
  ["auth-password = 's3cret'\npeer-as = 65000", "s3cret"],
  ['"auth-password": "s3cret", "peer-as": 65000', "s3cret"],
])("%s", (text, secret) => {
  const shown = hideSecrets(text);
  expect(shown).not.toContain(secret);
  expect(shown).toContain("<hidden>");
});

test.each([
  "the password differs at both ends",
  "no neighbor 10.0.4.2 password",
  'the Secret has "user", not "password" as it should',
  "authSecretRef of CiliumBGPPeerConfig: the key password is missing",
])("%s: stays", (text) => {
  expect(hideSecrets(text)).toBe(text);
});

test("no secret reaches a timeline", () => {
  const records: TimelineRecord[] = [];
  const record = createRecorder(() => 1, [(each) => void records.push(each)]);
  record({ type: "failure", message: "neighbor a password s3cret", output: "key-string s3cret" });
  expect(records).toEqual([
    {
      ...{ atMs: 1, type: "failure" },
      message: "neighbor a password <hidden>",
      output: "key-string <hidden>",
    },
  ]);
});
