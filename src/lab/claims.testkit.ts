import { claim, type LabState, removeState } from "./state-folder.ts";

/** A process in which a lab begins and goes, many times in a row. Throws what keeps it from that. */
const lab = process.argv[2]!;
for (let n = 0; n < 500; n++) {
  claim({ lab } as LabState);
  removeState(lab);
}
