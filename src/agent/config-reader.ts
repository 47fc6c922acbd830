import { startupSnapshot } from "node:v8";
import { tellConfig } from "./tell-config.ts";

/**
 * The program that reads a speaker's file, which is its operand (speaker-file.ts). It runs from a startup snapshot
 * in which all of it is loaded (lab/agent-bundle.ts): what reads YAML takes as long to load as Node itself.
 */
startupSnapshot.setDeserializeMainFunction(() => tellConfig(process.argv[1]!));
