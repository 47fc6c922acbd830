import { EnvironmentError, InputError } from "../../input/diagnostic.ts";
import { unreachable } from "./engine-unreachable.ts";

/** What dockerode's errors carry: the status and the body of an answer, or the code of a socket's error. */
type Failure = Error & { statusCode?: number; json?: unknown; code?: string };

/**
 * An error of the engine for people: what could not be done, why, and what to do about it. Where the
 * machine is at fault an EnvironmentError, else an Error; the original is its cause.
 *
 * `where` is the engine's address, `doing` what was asked of it: `pulling frrouting/frr:v8.2.2`.
 */
export function explainEngineError(error: unknown, where: string, doing?: string): Error {
  if (error instanceof EnvironmentError || error instanceof InputError) return error;
  const failure: Failure = error instanceof Error ? error : new Error(String(error));
  const text = engineMessage(failure);
  const words = unreachable(failure, where) ?? answerWords(failure, text);
  const prefix = doing === undefined ? "" : `${doing}: `;
  if (words === undefined) return new Error(`${prefix}${text}`, { cause: error });
  const explained = new EnvironmentError(`${prefix}${words.message}`, words.remedy);
  return Object.assign(explained, { cause: error });
}

/** The engine's own words, without dockerode's "(HTTP code 500) server error - " before them. */
export function engineMessage(error: Error): string {
  const { json } = error as Failure;
  if (typeof json === "object" && json !== null && "message" in json) return String(json.message);
  return error.message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
}

type Answer = {
  pattern: RegExp;
  /** What happened, before the engine's words where those alone do not say it. */
  says?: string;
  remedy: string;
};

/** What the engine answers where the machine, and not the request, is at fault. The first that fits counts. */
const answers: Answer[] = [
  {
    pattern: /client version \S+ is too (?:old|new)|minimum supported API/i,
    remedy: "update Docker, or Spinelab where the engine is the newer",
  },
  {
    pattern: /no space left on device|disk quota exceeded/i,
    says: "the engine's disk is full",
    remedy: "`docker system df` shows what takes the space, `docker system prune` frees it",
  },
  {
    pattern: /Pool overlaps with other one|non-overlapping .*address pool/i,
    says: "another Docker network has these addresses",
    remedy: "set mgmt.ipv4-subnet in the topology, or remove that network (`docker network ls`)",
  },
  {
    pattern: /port is already allocated|address already in use/i,
    remedy: "stop what holds that port of the host, or publish another",
  },
  {
    pattern:
      /pull access denied|repository does not exist|manifest unknown|manifest for \S+ not found|unauthorized|No such image/i,
    remedy: "check the image's name and tag; for a private one run `docker login`",
  },
  {
    pattern: /toomanyrequests/i,
    says: "the registry limits pulls",
    remedy: "run `docker login`, or wait",
  },
  {
    pattern:
      /dial tcp|no such host|i\/o timeout|TLS handshake timeout|network is unreachable|Client\.Timeout|deadline exceeded|name resolution/i,
    says: "the engine does not reach the registry",
    remedy: "mend its network or proxy, or load the image by `docker load`",
  },
  {
    pattern: /container-init binary not found/i,
    says: "Podman has no init that reaps",
    remedy: "install catatonit beside it (Debian, Ubuntu: sudo apt install catatonit)",
  },
  {
    pattern:
      /could not find a network|plugin .*(?:netavark|bridge).* not found|netavark.*(?:not found|no such file)/i,
    says: "Podman has no networks",
    remedy: "install netavark beside it (Debian, Ubuntu: sudo apt install netavark aardvark-dns)",
  },
  {
    pattern: /operation not permitted|unable to apply caps/i,
    says: "the engine may not give containers a router's rights",
    remedy: "use an engine that runs as root on a machine that allows it",
  },
];

function answerWords(
  { statusCode }: Failure,
  text: string,
): { message: string; remedy: string } | undefined {
  const answer = answers.find(({ pattern }) => pattern.test(text));
  if (answer !== undefined) {
    const message = answer.says === undefined ? text : `${answer.says}: ${text}`;
    return { message, remedy: answer.remedy };
  }
  // Not the engine's: so the way to it is refused (see engine-ssh.ts), or by a proxy in between.
  if (statusCode === 502) return { message: text, remedy: "check the way to the engine's machine" };
  return undefined;
}
