import { type Command, Option } from "commander";
import type { RuntimeChoice } from "../lab/spec.ts";

export type RuntimeOptions = {
  runtime: "netns" | "docker" | "sim";
  docker?: string;
  context?: string;
  inject: "image" | "copy";
};

/** Options of every command that makes a lab. */
export function withRuntime(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--runtime <runtime>",
        "where it runs: namespaces of this machine, Docker, or simulated in virtual time",
      )
        .choices(["netns", "docker", "sim"])
        .default("netns"),
    )
    .option("--docker <address>", "the engine: unix://, tcp:// or ssh://user@host (docker)")
    .option("--context <name>", "the engine of this docker context (docker)")
    .addOption(
      new Option("--inject <how>", "how the speaker gets into kind's nodes (docker)")
        .choices(["image", "copy"])
        .default("image"),
    );
}

export function runtimeChoice(options: RuntimeOptions): RuntimeChoice {
  const { runtime, context, inject } = options;
  if (runtime === "netns") return { kind: "netns" };
  if (runtime === "sim") return { kind: "sim" };
  // Kept with the lab: a later command must find the same engine, whatever its environment says.
  const docker = options.docker ?? (context === undefined ? process.env["DOCKER_HOST"] : undefined);
  return {
    kind: "docker",
    inject,
    ...(docker === undefined ? {} : { docker }),
    ...(context === undefined ? {} : { context }),
  };
}

/** The words that repeat the choice. */
export function runtimeWords(choice: RuntimeChoice): string {
  if (choice.kind === "netns") return "";
  if (choice.kind === "sim") return " --runtime sim";
  const { docker, context, inject } = choice;
  return [
    " --runtime docker",
    ...(docker === undefined ? [] : [`--docker ${docker}`]),
    ...(context === undefined ? [] : [`--context ${context}`]),
    ...(inject === "image" ? [] : [`--inject ${inject}`]),
  ].join(" ");
}
