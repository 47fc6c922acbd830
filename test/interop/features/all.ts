import type { Group } from "../matrix.ts";
import { attributes } from "./attributes.ts";
import { bfd } from "./bfd.ts";
import { capabilities } from "./capabilities.ts";
import { failures, limits } from "./failures.ts";
import { protection } from "./protection.ts";
import { refresh } from "./refresh.ts";
import { restarts } from "./restarts.ts";
import { sessions } from "./sessions.ts";
import { tables } from "./tables.ts";

/** The rows of the matrix. */
export const groups: readonly Group[] = [
  ...[sessions, protection, attributes, tables],
  ...[restarts, refresh, failures, bfd, limits, capabilities],
];
