import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { tellConfig } from "./tell-config.ts";

let folder: string;
let told: SpeakerConfig | undefined;
let refused: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tell-config-"));
  told = undefined;
  refused = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    refused += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(folder, { recursive: true });
});

function tell(text: string): SpeakerConfig | undefined {
  const file = join(folder, "speaker.yaml");
  writeFileSync(file, text);
  tellConfig(file, (config) => (told = config));
  return told;
}

const speaker = {
  localAsn: 65010,
  routerId: "10.0.2.2",
  originate: ["10.1.3.0/24"],
  peers: [{ name: "tor0", address: "10.0.2.1", asn: 65010 }],
};

test("a file that a program wrote as JSON says the same as YAML", () => {
  const written = tell(`${JSON.stringify(speaker)}\n`);
  expect(written).toMatchObject(speaker);
  expect(tell(JSON.stringify(speaker, null, 2))).toEqual(written);
  expect(tell("localAsn: 65010\nrouterId: 10.0.2.2\npeers: []\n")).toMatchObject({ peers: [] });
});

test("every mistake in it is told with its line", () => {
  tell(JSON.stringify({ ...speaker, localAsn: "x", routrId: "10.0.2.2" }));
  expect(refused).toMatch(/speaker\.yaml:1: .*localAsn/);
  expect(refused).toMatch(/speaker\.yaml:1: .*routrId/);
  expect([told, process.exitCode]).toEqual([undefined, 2]);
});

test("a key that is there twice is a mistake in JSON too", () => {
  tell(JSON.stringify(speaker).replace("{", '{"localAsn":65011,'));
  expect(refused).toMatch(/DuplicateKey localAsn/);
});
