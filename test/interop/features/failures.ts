import { expectEqual, expectThat } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { here, Pair, until } from "../pair.ts";

/** RFC 4271 §4.2: the shortest Hold Time there is. */
const holdTimeSeconds = 3;
const silence = { neighbor: { holdTimeSeconds }, peer: { holdTimeSeconds } };

const flaps = 3;
const flapRoutes = (first: number) =>
  Array.from({ length: 20 }, (_, at) => `10.${first}.${at}.0/24`);

export const failures: Group = {
  title: "Failures",
  rows: [
    {
      id: "daemon-silent",
      title: "The daemon falls silent (SIGSTOP): Spinelab's Hold Timer expires; later up again",
      async check(kind) {
        await using pair = await Pair.start(kind, silence);
        await pair.established();
        pair.daemon.process.signal("SIGSTOP");
        await pair.notification("speaker", "4/0");
        expectEqual("why it is down", (await pair.peer()).lastDown, "hold timer expired");
        pair.daemon.process.signal("SIGCONT");
        await pair.established();
      },
    },
    {
      id: "spinelab-silent",
      title: "Spinelab falls silent (SIGSTOP): the daemon's Hold Timer expires; later up again",
      async check(kind) {
        await using pair = await Pair.start(kind, silence);
        await pair.established();
        pair.speaker.process.signal("SIGSTOP");
        await pair.notification("daemon", "4/0");
        await until(
          "the daemon sees the session end",
          async () => !(await pair.daemon.established(pair.our)),
        );
        pair.speaker.process.signal("SIGCONT");
        await pair.established();
      },
    },
    {
      id: "flaps",
      title: `The connection reset ${flaps} times: each time up again with all routes of both sides`,
      async check(kind) {
        const [ours, theirs] = [flapRoutes(10), flapRoutes(20)];
        await using pair = await Pair.start(kind, {
          daemon: { routes: theirs.map((prefix) => ({ prefix })) },
          speaker: { originate: ours },
        });
        for (let flap = 0; flap <= flaps; flap++) {
          await pair.established();
          await until(`all routes after ${flap} resets`, async () => {
            const { families } = await pair.peer();
            const atDaemon = await pair.daemon.received(pair.our, "ipv4");
            return families[0]!.accepted === theirs.length && atDaemon === ours.length;
          });
          if (flap === flaps) break;
          const { establishedAtMs } = await pair.peer();
          await pair.ours.run("ss", "-K", "src", here.ipv4);
          await until(
            "another session",
            async () => (await pair.peer()).establishedAtMs !== establishedAtMs,
          );
        }
      },
    },
    {
      id: "shutdown-by-daemon",
      title: "The daemon shuts the session down in words (RFC 9003): Spinelab shows them",
      async check(kind) {
        await using pair = await Pair.start(kind);
        await pair.established();
        if (pair.daemon.shutdown === undefined) throw new Error("the daemon has no words");
        await pair.daemon.shutdown(pair.our, "cable 7 is replaced");
        await until("Spinelab sees the session end", async () =>
          (await pair.peer()).lastDown?.includes('Administrative Shutdown "cable 7 is replaced"'),
        );
      },
    },
    {
      id: "shutdown-by-spinelab",
      title: "Spinelab shuts the session down in words (RFC 9003): the daemon shows them",
      async check(kind) {
        await using pair = await Pair.start(kind);
        await pair.established();
        pair.reconfigureSpeaker({ shutdown: "cable 8 is replaced" });
        await pair.notification("speaker", "6/2");
        await until("the daemon shows the words", async () => {
          const about = await pair.daemon.about(pair.our);
          return (
            about.includes("cable 8 is replaced") && !(await pair.daemon.established(pair.our))
          );
        });
      },
    },
  ],
};

export const limits: Group = {
  title: "Maximum number of prefixes (RFC 4486)",
  rows: [
    {
      id: "maximum-prefix-of-spinelab",
      title: "Eight routes of the daemon where Spinelab takes five: Cease",
      async check(kind) {
        const routes = flapRoutes(20).slice(0, 8);
        await using pair = await Pair.start(kind, {
          daemon: { routes: routes.map((prefix) => ({ prefix })) },
          peer: { maximumPrefix: { "ipv4/unicast": { count: 5 } } },
        });
        const data = await pair.notification("speaker", "6/1");
        // AFI, SAFI and the bound (RFC 4486 §4).
        expectEqual("the data", Buffer.from(data).toString("hex"), "00010100000005");
        await until(
          "the daemon sees the session end",
          async () => !(await pair.daemon.established(pair.our)),
        );
      },
    },
    {
      id: "maximum-prefix-of-daemon",
      title: "Eight routes of Spinelab where the daemon takes five: Cease",
      async check(kind) {
        await using pair = await Pair.start(kind, {
          neighbor: { maximumPrefix: 5 },
          speaker: { originate: flapRoutes(10).slice(0, 8) },
        });
        await pair.notification("daemon", "6/1");
        await until("Spinelab shows why", async () =>
          (await pair.peer()).lastDown?.includes("Maximum Number of Prefixes Reached"),
        );
        expectThat("the daemon is down", !(await pair.daemon.established(pair.our)));
      },
    },
  ],
};
