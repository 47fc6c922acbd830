import { expect, test } from "vitest";
import type { SpeakerConfig } from "../bgp/speaker/config.ts";
import { configMessage, readConfigMessage } from "./config-message.ts";

test("a configuration is there with its last byte, in whatever pieces it comes", () => {
  const config = { localAsn: 65010, routerId: "10.0.2.2", peers: [] } as unknown as SpeakerConfig;
  const bytes = [...configMessage(config)].map((byte) => Uint8Array.of(byte));
  for (let i = 0; i < bytes.length; i++) {
    expect(readConfigMessage(bytes.slice(0, i))).toBeUndefined();
  }
  expect(readConfigMessage(bytes)).toEqual(config);
});
