import { EnvironmentError } from "../input/diagnostic.ts";
import type { AgentPort, KubePort } from "../scenario/context.ts";

/** What scenarios meet in a lab without Kubernetes: what asks for it is inconclusive. */
const refuse = (): Promise<never> =>
  Promise.reject(
    new EnvironmentError("this lab has no Kubernetes cluster", "give it one: clusters in lab.yaml"),
  );

export const noCluster: KubePort = {
  get: refuse,
  list: () => Promise.resolve([]),
  listPods: refuse,
  apply: refuse,
  patch: refuse,
  delete: refuse,
  podLog: refuse,
  onChange: () => () => undefined,
};

export const noAgents: AgentPort = {
  restart: refuse,
  upgrade: refuse,
  kill: refuse,
  stop: refuse,
  start: refuse,
  log: refuse,
};
