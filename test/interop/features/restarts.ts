import { expectThat } from "../expect.ts";
import type { Group } from "../matrix.ts";
import { Pair, until } from "../pair.ts";

/** Of each side: one route that is there again after a restart, and one that is not. */
const ours = { stays: "10.10.0.0/24", goes: "10.10.1.0/24" };
const theirs = { stays: "10.20.0.0/24", goes: "10.20.1.0/24" };

const options = {
  neighbor: { gracefulRestartSeconds: 60 },
  peer: { gracefulRestart: { restartTimeSeconds: 60 } },
  daemon: { routes: Object.values(theirs).map((prefix) => ({ prefix })) },
  speaker: { originate: Object.values(ours) },
};

export const restarts: Group = {
  title: "Graceful restart (RFC 4724)",
  rows: [
    {
      id: "spinelab-restarts",
      title: "Spinelab killed: the daemon keeps its routes, then has them anew",
      async check(kind) {
        await using pair = await Pair.start(kind, options);
        await pair.established();
        await pair.exchanged({ ours: ours.goes });
        await pair.speaker.process.end("SIGKILL");
        await until(
          "the daemon sees the session end",
          async () => !(await pair.daemon.established(pair.our)),
        );
        for (const prefix of Object.values(ours)) {
          const [path] = await pair.daemon.paths(prefix);
          // BIRD does not tell a path that is kept from another.
          const isKept = path !== undefined && path.stale !== false;
          expectThat(`the daemon keeps ${prefix}, and knows that it is stale`, isKept);
        }
        await pair.startSpeaker({ originate: [ours.stays] });
        await pair.established();
        await until(`the daemon has ${ours.stays} fresh and no ${ours.goes}`, async () => {
          const [stays] = await pair.daemon.paths(ours.stays);
          const goes = await pair.daemon.paths(ours.goes);
          return stays !== undefined && stays.stale !== true && goes.length === 0;
        });
      },
    },
    {
      id: "daemon-restarts",
      title: "The daemon killed: Spinelab keeps its routes, then has them anew",
      async check(kind) {
        await using pair = await Pair.start(kind, options);
        await pair.established();
        await pair.exchanged({ theirs: theirs.stays });
        await pair.exchanged({ theirs: theirs.goes });
        await pair.killDaemon();
        await until(
          "Spinelab sees the session end",
          async () => !(await pair.speaker.established(pair.their)),
        );
        const kept = (await pair.speaker.received()).filter(({ stale, best }) => stale && best);
        expectThat(
          `Spinelab keeps both routes as stale: ${JSON.stringify(await pair.peer())}`,
          kept.length === 2,
        );
        await pair.startDaemon({ routes: [{ prefix: theirs.stays }] }, true);
        await pair.established();
        await until(`Spinelab has ${theirs.stays} fresh and no ${theirs.goes}`, async () => {
          const received = await pair.speaker.received();
          return (
            received.some(({ prefix, stale }) => prefix === theirs.stays && !stale) &&
            !received.some(({ prefix }) => prefix === theirs.goes)
          );
        });
      },
    },
  ],
};
