import { spawn } from "node:child_process";
import type { Command } from "commander";
import { EnvironmentError } from "../../input/diagnostic.ts";
import { kubeconfigFile } from "../../lab/state-folder.ts";
import type { LabState } from "../../lab/state-folder.ts";
import { selectLab } from "../running-lab.ts";
import { refuseSimulated } from "../simulated-place.ts";

export function registerKubeconfig(program: Command): void {
  program
    .command("kubeconfig")
    .summary("print the path of a lab's kubeconfig")
    .argument("[lab]", "which lab, where several are up")
    .addHelpText("after", "\nExample:\n  export KUBECONFIG=$(spinelab kubeconfig)")
    .action((lab: string | undefined) => {
      process.stdout.write(`${servedKubeconfig(selectLab(lab))}\n`);
    });
}

export function registerKubectl(program: Command): void {
  program
    .command("kubectl")
    .summary("run kubectl against the lab's cluster")
    .argument("[argv...]", "arguments of kubectl")
    .option("--lab <lab>", "which lab, where several are up")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (argv: string[], options: { lab?: string }) => {
      const kubeconfig = servedKubeconfig(selectLab(options.lab));
      const child = spawn("kubectl", argv, {
        stdio: "inherit",
        env: { ...process.env, KUBECONFIG: kubeconfig },
      });
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", (error: NodeJS.ErrnoException) => {
          reject(
            error.code === "ENOENT"
              ? new EnvironmentError("there is no kubectl on this machine", "install kubectl")
              : error,
          );
        });
        child.once("exit", (code) => resolve(code ?? 1));
      });
    });
}

function servedKubeconfig(state: LabState): string {
  refuseSimulated(state, {
    what: "its Kubernetes API is served to its own agents alone",
    instead:
      "change objects by a scenario (apply, patch, delete): spinelab play LAB FILE; see them by spinelab record",
  });
  return kubeconfigFile(state.lab);
}
