import { expect, test } from "vitest";
import { hintAtNames, nearest } from "./nearest.ts";

test.each([
  ["exce", ["exec", "env", "kind"], "exec"],
  ["bpg", ["bgp", "binds"], "bgp"],
  ["sesion", ["session", "route"], "session"],
  ["startup_config", ["startup-config", "startup-delay"], "startup-config"],
  ["localPref", ["localPreference", "med"], "localPreference"],
  ["Daemonset", ["DaemonSet", "Deployment"], "DaemonSet"],
  ["tor9", ["router0", "tor0", "tor1"], "tor0"],
  ["xyz", ["session", "route"], undefined],
  ["tor9", ["router0"], undefined],
  ["a", [], undefined],
])("%s is most likely %s → %s", (word, known, expected) => {
  expect(nearest(word, known)).toBe(expected);
});

test("a hint names the nearest, else the few there are, else nothing", () => {
  expect(hintAtNames("exce", ["exec"])).toBe("did you mean 'exec'?");
  expect(hintAtNames("zzz", ["tor1", "tor0"])).toBe("known: tor0, tor1");
  expect(hintAtNames("zzz", [])).toBeUndefined();
  expect(
    hintAtNames(
      "zzz",
      Array.from({ length: 30 }, (_, i) => `leaf${i}`),
    ),
  ).toBeUndefined();
});
