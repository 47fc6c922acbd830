import { readLabState, stateItems } from "../observe/lab-state.ts";
import { type AgentRequest, askAgent } from "../observe/speaker.ts";
import type { Place } from "../runtime/port.ts";
import type { BetweenSteps } from "../scenario/context.ts";
import type { Sink } from "../timeline/log.ts";
import { type DoctorQuestion, examine } from "./doctor.ts";
import type { TimeGone } from "./backend.ts";
import { baselineScenario } from "./baseline.ts";
import { concludeBrokenOff, InterruptedError } from "./broken-off.ts";
import type { ControlHandler } from "./control.ts";
import type { Lab } from "./lab.ts";
import { loadScenario } from "./load.ts";
import { objectsNow } from "./objects-now.ts";
import { readAllSessions } from "./sessions.ts";

const commandLimitMs = 10_000;
/** Of virtual time, after a command: routes that it moves do so soon. */
const afterCommandMs = 2_000;
/** After a link or the whole lab came up: FRR tries a session each 10 s. */
const afterChangeMs = 12_000;

/** What a running lab does on request, by the word in `do`. Each answers when it is done. */
export function controlHandler(lab: Lab): ControlHandler {
  /** Ends the scenario that is being played. */
  let playing: AbortController | undefined;
  /** Lets the scenario that waits before a step go on. */
  let goOn: (() => void) | undefined;
  /** Who looks later sees what came of it, also in virtual time, which is a scenario's own while that is played. */
  const goesBy = async (atLeastMs: number, signal: AbortSignal) =>
    playing ? undefined : await lab.untilStill(atLeastMs, signal);
  return async (request, { send, signal }) => {
    const sink: Sink = (record) => send(record);
    switch (request["do"]) {
      // Records so far and from now on, until the caller hangs up or the lab is down.
      case "follow":
        return follow(
          lab,
          sink,
          signal,
          () =>
            new Promise((resolve) => {
              signal.addEventListener("abort", () => resolve(undefined), { once: true });
            }),
        );
      // Follows until the lab is up, or has failed.
      case "awaitUp":
        return follow(lab, sink, signal, () => lab.whenUp());
      case "play": {
        if (playing) throw new Error("the lab is playing a scenario already");
        playing = new AbortController();
        const ending = AbortSignal.any([signal, playing.signal]);
        try {
          const { fabric, manifests } = lab.spec;
          const objects = await objectsNow(lab.context(signal).kube, manifests);
          const scenario = loadScenario(String(request["file"]), fabric, objects);
          const pause = async (step: number) => {
            const context = lab.context(ending);
            context.signal.throwIfAborted();
            const said = Promise.withResolvers<void>();
            goOn = said.resolve;
            const end = () => said.reject(context.signal.reason as Error);
            context.signal.addEventListener("abort", end, { once: true });
            send({ paused: step });
            await said.promise;
          };
          const betweenSteps: BetweenSteps = {
            ...(request["step"] === true && { before: pause }),
            ...(request["breakOnFailure"] === true && { after: stopAtFailure }),
          };
          // What comes first is of before: for the report, and no news.
          send({ before: lab.records.length });
          return await follow(lab, sink, signal, async () => {
            const seed = request["seed"] as number | undefined;
            try {
              return await lab.play(scenario, ending, betweenSteps, seed);
            } catch (error) {
              return concludeBrokenOff(lab, error as Error);
            }
          });
        } finally {
          playing = undefined;
        }
      }
      // The scenario that is being played ends here: `play` is answered when what was in force is taken back.
      case "stop":
        playing?.abort(new InterruptedError(String(request["reason"])));
        return null;
      // The step that `play` with `step` waits before may begin.
      case "goOn":
        goOn?.();
        goOn = undefined;
        return null;
      // Everything that helps to explain a failure, or what was captured alone.
      case "evidence":
      case "captures":
        return await (request["do"] === "evidence" ? lab.evidence() : lab.captures.take());
      case "link": {
        const link = lab.spec.fabric.links.find((each) =>
          each.endpoints.some(
            (end) => end.node === request["node"] && end.interface === request["interface"],
          ),
        );
        if (!link) throw new Error(`no link at ${request["node"]}:${request["interface"]}`);
        const [a, b] = link.endpoints;
        const state = request["set"] === "up" ? "up" : "down";
        await lab.runtime.setLink(a, b, state);
        const gone = await goesBy(afterChangeMs, signal);
        const later = gone === undefined ? "" : `, and ${timeGoneText(gone, "later")}`;
        return `${a.node}:${a.interface} – ${b.node}:${b.interface} ${state}${later}`;
      }
      // Sessions come up, where time does not go on by itself.
      case "settle": {
        const gone = await goesBy(afterChangeMs, signal);
        return gone && timeGoneText(gone, "went by; between commands it stands still");
      }
      // A command that ends by itself, in a node or pod. `settles`: it may have changed something.
      case "exec": {
        const pod = request["pod"] as Place["pod"];
        const place = { node: String(request["node"]), ...(pod !== undefined && { pod }) };
        const argv = request["argv"] as string[];
        const result = await lab.runtime.exec(place, argv, { timeoutMs: commandLimitMs });
        if (request["settles"] === true) await goesBy(afterCommandMs, signal);
        return result;
      }
      // What a node's agent wrote.
      case "agentLog":
        return lab.context(signal).agents.log(String(request["node"]));
      case "sessions":
        return readAllSessions(lab.spec.fabric, lab.runtime);
      // What a scenario can name.
      case "objects":
        return objectsNow(lab.context(signal).kube, lab.spec.manifests);
      // Every session and route, in words.
      case "state": {
        const { fabric, runtime, names } = lab.context(signal);
        const [states] = await Promise.all([readLabState(runtime, fabric), names.ready()]);
        return stateItems(states, names);
      }
      // What is wrong, and why.
      case "doctor":
        return examine(lab.context(signal), request as DoctorQuestion);
      // A scenario whose checks hold now.
      case "baseline":
        return baselineScenario(lab.context(signal), new Date());
      // What the agent of a node says on its admin socket.
      case "ask": {
        const asked = request["request"] as AgentRequest;
        const answer = await askAgent(lab.runtime, String(request["node"]), asked);
        if ("reset" in asked) await goesBy(afterCommandMs, signal);
        return answer;
      }
      case "down":
        await lab.down();
        return null;
      default:
        throw new Error(`unknown request ${JSON.stringify(request["do"])}`);
    }
  };
}

const stopAtFailure: NonNullable<BetweenSteps["after"]> = (_index, verdict) =>
  Promise.resolve(verdict === "fail" || verdict === "inconclusive" ? "stop" : "go on");

async function follow<T>(
  lab: Lab,
  sink: Sink,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const stop = lab.follow(sink);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await work();
  } finally {
    stop();
  }
}

function timeGoneText({ goneMs, isStill }: TimeGone, ending: string): string {
  const text = `${goneMs / 1000} s of virtual time ${ending}`;
  return isStill ? text : `${text}. Not at rest: spinelab simulate finds what goes round`;
}
