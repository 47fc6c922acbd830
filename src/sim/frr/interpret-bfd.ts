import type { BfdProfile, FrrConfig } from "./config.ts";
import type { LineResult } from "./interpret.ts";

/** Which key of a profile a line sets. */
const keys = {
  "detect-multiplier": "detectMultiplier",
  "receive-interval": "receiveIntervalMs",
  "transmit-interval": "transmitIntervalMs",
} as const;

/** A line of `bfd`, by itself or within `profile NAME`; "end": that is closed. */
export function bfdLine(
  config: FrrConfig,
  profile: BfdProfile | undefined,
  [first = "", second = "", ...more]: readonly string[],
  isNo: boolean,
): LineResult | "end" | { profile: BfdProfile } {
  if (first === "exit") return "end";
  if (more.length > 0) return "unknown";
  if (first === "profile" && second !== "") {
    if (isNo) {
      config.bfdProfiles.delete(second);
      return "done";
    }
    const opened = config.bfdProfiles.get(second) ?? {};
    config.bfdProfiles.set(second, opened);
    return { profile: opened };
  }
  const key = Object.hasOwn(keys, first) ? keys[first as keyof typeof keys] : undefined;
  if (profile === undefined || key === undefined) return "unknown";
  if (isNo) delete profile[key];
  else if (/^\d+$/.test(second)) profile[key] = Number(second);
  else return "unknown";
  return "done";
}

/** As `show running-config` prints them. */
export function bfdProfileLines({ bfdProfiles }: FrrConfig): string[] {
  if (bfdProfiles.size === 0) return [];
  const profiles = [...bfdProfiles].flatMap(([name, profile]) => [
    ` profile ${name}`,
    ...Object.entries(keys).flatMap(([word, key]) =>
      profile[key] === undefined ? [] : [`  ${word} ${profile[key]}`],
    ),
    ...[" exit", " !"],
  ]);
  return ["bfd", ...profiles, "exit", "!"];
}
