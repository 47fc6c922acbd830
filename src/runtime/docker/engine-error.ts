import type Docker from "dockerode";
import { engineMessage, explainEngineError } from "./errors.ts";

/** The engine's refusal, with what was being done and what to do about it. */
export function engineError(docker: Docker, error: unknown, doing: string): Error {
  const { socketPath, host, port } = docker.modem as {
    socketPath?: string;
    host?: string;
    port?: number | string;
  };
  const where = socketPath === undefined ? `tcp://${host}:${port}` : `unix://${socketPath}`;
  return explainEngineError(error, where, doing);
}

/** The engine has no such container, network or image (any more). */
export function isNotFound(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 404;
}

/** Somebody else is at the same work already, such as removing it. */
export function isConflict(error: unknown): boolean {
  return (error as { statusCode?: number }).statusCode === 409;
}

/** What the engine said, without dockerode's words around it. */
export function engineText(error: unknown): string {
  return engineMessage(error as Error);
}

/**
 * Between a look at a shared network and the start of a container on it, another lab took the address,
 * removed the network as the last one there, or was about to make the same.
 */
export function lostRace(error: unknown): boolean {
  const { cause = error } = error as Error;
  const text = engineText(cause);
  return /Address already in use|network \S+ not found|Pool overlaps with other one/.test(text);
}
